"""The sensor that waits for a version of a registered model, or for an alias to move."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook
from airflow.sdk import BaseSensorOperator, PokeReturnValue
from airflow.sdk.configuration import conf
from airflow.sdk.definitions.context import Context

from mooring_airflow.assets import described
from mooring_airflow.awaited import Awaited
from mooring_airflow.hooks import MlflowHook
from mooring_airflow.triggers import MlflowModelVersionTrigger


class MlflowModelVersionSensor(BaseSensorOperator):
    """Waits until registered model `model_name` has a version.

    Which one: with `version` that number, with `alias` whichever it names, else any. With
    `changed_from`, the number of a version, it must be another one: a new champion, say. All are
    templated. Returns {name, version, model_uri, run_id, model_id, url}.

    `deferrable` waits in the triggerer, and holds no worker meanwhile.
    """

    template_fields: Sequence[str] = (
        "model_name",
        "alias",
        "version",
        "changed_from",
        "binding",
        "mlflow_conn_id",
    )

    def __init__(
        self,
        *,
        model_name: str,
        alias: str | None = None,
        version: str | None = None,
        changed_from: str | None = None,
        binding: str | None = None,
        mlflow_conn_id: str = MlflowHook.default_conn_name,
        kubernetes_conn_id: str = KubernetesHook.default_conn_name,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if alias and version:
            raise ValueError(
                f"alias is {alias!r} and version {version!r}: write the one to wait for"
            )
        self.model_name = model_name
        self.alias = alias
        self.version = version
        self.changed_from = changed_from
        self.binding = binding
        self.mlflow_conn_id = mlflow_conn_id
        self.kubernetes_conn_id = kubernetes_conn_id
        self.deferrable = deferrable

    def poke(self, context: Context) -> PokeReturnValue:  # noqa: ARG002
        """Look once; raises MooringError where the server cannot be asked."""
        awaited = self._awaited()
        self.log.info("Looking for %s", awaited)
        found = awaited.look()
        return PokeReturnValue(found is not None, found and described(found))

    def execute(self, context: Context) -> Any:
        """Wait here or, when it is not there yet and `deferrable`, in the triggerer."""
        if self.deferrable and not self.poke(context):
            self.defer(
                trigger=MlflowModelVersionTrigger(self.poke_interval, **self._awaited().kept()),
                method_name="execute_complete",
                timeout=timedelta(seconds=self.timeout),
            )
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """Hand on the version that the trigger saw."""
        self.log.info("%s is there", event["model_uri"])
        return event

    def _awaited(self) -> Awaited:
        return Awaited(
            model_name=self.model_name,
            alias=self.alias,
            version=self.version and str(self.version),
            changed_from=self.changed_from and str(self.changed_from),
            mlflow_conn_id=self.mlflow_conn_id,
            binding=self.binding,
            kubernetes_conn_id=self.kubernetes_conn_id,
        )

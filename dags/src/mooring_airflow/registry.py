"""Operators of MLflow's model registry: register a version, move an alias, promote the better one.

They run on the worker, which needs no MLflow. MLflow 3 has no stages: which version is in use says
an alias, `models:/<registered model>@champion`.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook
from airflow.sdk import BaseOperator
from airflow.sdk.definitions.context import Context
from airflow.sdk.exceptions import AirflowSkipException

from mooring.finding import Finding
from mooring_airflow.assets import announce, described, outlet
from mooring_airflow.checks import MODEL_FILE
from mooring_airflow.client import MlflowClient, ModelVersion, logged_model_id
from mooring_airflow.errors import MooringError
from mooring_airflow.evidence import READY
from mooring_airflow.hooks import MlflowHook
from mooring_airflow.links import MlflowModelVersionLink
from mooring_airflow.promotion import (
    Contest,
    context_version_tags,
    existing_version,
    move_alias,
    mover,
)
from mooring_airflow.tracking import StoreNotListed


class _RegistryOperator(BaseOperator):
    """What the operators share: the registered model, and where its server is."""

    template_fields: Sequence[str] = ("model_name", "binding", "mlflow_conn_id")
    operator_extra_links = (MlflowModelVersionLink(),)

    def __init__(
        self,
        *,
        model_name: str,
        binding: str | None = None,
        mlflow_conn_id: str = MlflowHook.default_conn_name,
        kubernetes_conn_id: str = KubernetesHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model_name = model_name
        self.binding = binding
        self.mlflow_conn_id = mlflow_conn_id
        self.kubernetes_conn_id = kubernetes_conn_id
        # As it is written in the DAG: Airflow knows outlets before it renders templates.
        self._outlet = outlet(self._where, model_name)
        self.outlets = [*self.outlets, self._outlet]

    @property
    def _where(self) -> str:
        return self.binding or self.mlflow_conn_id

    @cached_property
    def hook(self) -> MlflowHook:
        """The tracking server of the binding, or of the connection."""
        return MlflowHook(
            self.mlflow_conn_id, binding=self.binding, kubernetes_conn_id=self.kubernetes_conn_id
        )

    def _announce(self, context: Context, version: ModelVersion, **what: Any) -> None:
        announce(context, self._outlet, self._where, version, **what)


class MlflowRegisterModelOperator(_RegistryOperator):
    """Makes a logged model a version of registered model `model_name`.

    `model_uri` is what a training hands on: `models:/m-…`, templated. The model must have landed:
    READY, its files in the store. A retry finds the version that was made before. `tags` are set on
    the version, besides those that name the task instance; `alias` moves to it.

    Returns {name, version, model_uri, run_id, model_id, url}; the event of the asset has it too.
    """

    template_fields: Sequence[str] = (
        *_RegistryOperator.template_fields,
        "model_uri",
        "alias",
        "tags",
    )

    def __init__(
        self,
        *,
        model_uri: str,
        alias: str | None = None,
        tags: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model_uri = model_uri
        self.alias = alias
        self.tags = tags

    def execute(self, context: Context) -> dict[str, Any]:
        """Register; raises MooringError when the model is not there as a whole."""
        model_id = logged_model_id(self.model_uri)
        if model_id is None:
            raise MooringError(
                Finding(
                    "ModelUriUnusable",
                    f"model_uri is {self.model_uri!r}, which names no logged model: pass "
                    "models:/m-…, as the XCom mlflow_run of a training has it (model_uri); it is "
                    "None there when the training logged no model.",
                )
            )
        with self.hook.get_conn() as client:
            require_landed(client, model_id)
            tags = {**context_version_tags(context), **(self.tags or {})}
            version = client.register(self.model_name, model_id, tags)
            self.log.info("%s is version %s of %s", model_id, version.version, version.name)
            moved = self.alias and move_alias(client, version, self.alias, mover(context))
        aliases = [self.alias] if self.alias and moved else []
        self._announce(context, version, aliases=aliases, registered=True)
        return described(version)


class MlflowSetAliasOperator(_RegistryOperator):
    """Lets `alias` of registered model `model_name` name `version`, whichever it named before.

    `version` is templated: a number. Returns {name, version, model_uri, run_id, model_id, url}.
    """

    template_fields: Sequence[str] = (*_RegistryOperator.template_fields, "alias", "version")

    def __init__(self, *, alias: str, version: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alias = alias
        self.version = version

    def execute(self, context: Context) -> dict[str, Any]:
        """Move the alias; raises MooringError when there is no such version."""
        with self.hook.get_conn() as client:
            version = existing_version(client, self.model_name, str(self.version))
            moved = move_alias(client, version, self.alias, mover(context))
        if moved:
            self._announce(context, version, aliases=[self.alias])
        return described(version)


class MlflowPromoteModelOperator(_RegistryOperator):
    """Lets `alias` name `version` when that is better than the version it names now.

    Better is a greater `metric` of the logged model, else of its run; a smaller one with
    `greater_is_better=False`; by more than `margin`. The first version to come needs only to have
    the metric. Where the version is not better the task is skipped, and with it what comes after;
    with `when_not_better="succeed"` it ends well, and moves nothing.

    Two tasks that promote versions of the same model at once may both be better than the third:
    give them one pool slot, or `max_active_tis_per_dag=1`.

    Returns {name, version, model_uri, run_id, model_id, url, promoted, metric, value, holder},
    with the version and value that it was compared with as `holder`, None where there was none.
    """

    template_fields: Sequence[str] = (
        *_RegistryOperator.template_fields,
        "alias",
        "version",
        "metric",
    )

    def __init__(
        self,
        *,
        version: str,
        metric: str,
        alias: str = "champion",
        greater_is_better: bool = True,
        margin: float = 0.0,
        when_not_better: Literal["skip", "succeed"] = "skip",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if margin < 0:
            raise ValueError(f"margin is {margin}: write 0 or more; greater_is_better turns it")
        if when_not_better not in ("skip", "succeed"):
            raise ValueError(f"when_not_better is {when_not_better!r}: write 'skip' or 'succeed'")
        self.version = version
        self.metric = metric
        self.alias = alias
        self.greater_is_better = greater_is_better
        self.margin = margin
        self.when_not_better = when_not_better

    def execute(self, context: Context) -> dict[str, Any]:
        """Compare and promote; raises MooringError when the versions cannot be compared."""
        contest = Contest(self.metric, self.greater_is_better, self.margin)
        with self.hook.get_conn() as client:
            version = existing_version(client, self.model_name, str(self.version))
            value = contest.value(client, version)
            held = client.get_model_version_by_alias(self.model_name, self.alias)
            rival = None if held is None or held.version == version.version else held
            mark = None if rival is None else contest.value(client, rival)
            won = mark is None or contest.won(value, mark)
            promoted = won and move_alias(client, version, self.alias, mover(context))
        holder = None if rival is None else {"version": rival.version, "value": mark}
        result = {
            **described(version),
            "promoted": promoted,
            "metric": self.metric,
            "value": value,
            "holder": holder,
        }
        told = f"{self.alias} of {self.model_name}: {self.metric} of version {version.version} is "
        told += f"{value:g}" if rival is None else f"{value:g}, of version {rival.version} {mark:g}"
        if promoted:
            self.log.info("%s. Version %s is promoted", told, version.version)
            self._announce(context, version, aliases=[self.alias])
            return result
        told += f". Version {(rival or version).version} keeps the alias"
        if self.when_not_better == "skip":
            context["ti"].xcom_push(key="return_value", value=result)
            raise AirflowSkipException(told)
        self.log.info(told)
        return result


def require_landed(client: MlflowClient, model_id: str) -> None:
    """Raise MooringError unless the logged model is READY and the store has its files."""
    model, _ = client.get_logged_model(model_id)
    named = f"logged model {model.name} ({model_id}) on {client.url}"
    if model.status != READY:
        raise MooringError(
            Finding(
                "ModelNotReady",
                f"{named} is {model.status}: its files did not all reach the store. Train it "
                "again.",
            )
        )
    try:
        files = [entry["path"] for entry in client.model_files(model_id)]
    except StoreNotListed as error:
        raise MooringError(
            Finding(
                "StoreNotListed",
                f"the tracking server {client.url} cannot list {model.artifact_uri} ({error}), so "
                f"nobody can say that {named} is there.",
            )
        ) from error
    if MODEL_FILE not in files:
        raise MooringError(
            Finding(
                "ModelMissing",
                f"{named} says READY, but the store has no {MODEL_FILE} at {model.artifact_uri} "
                f"(found: {', '.join(files) or 'nothing'}): it was deleted. Train it again.",
            )
        )

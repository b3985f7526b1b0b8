"""What a sensor of the model registry waits for; in words that a trigger may keep in a database."""

from dataclasses import asdict, dataclass
from typing import Any

from mooring_airflow.client import MlflowClient, ModelVersion
from mooring_airflow.hooks import PATIENCE_S, MlflowHook


@dataclass(frozen=True, slots=True)
class Awaited:
    """A version of registered model `model_name`, and where it is asked for; no login is in it.

    With `version` that one, with `alias` the one that it names, else the latest; one whose number
    is `changed_from` is not yet what is waited for.
    """

    model_name: str
    alias: str | None = None
    version: str | None = None
    changed_from: str | None = None
    mlflow_conn_id: str = MlflowHook.default_conn_name
    binding: str | None = None
    kubernetes_conn_id: str = "kubernetes_default"

    def kept(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        return asdict(self)

    def look(self, patience: float = PATIENCE_S) -> ModelVersion | None:
        """The version when it is there; raises MooringError.

        A server that is away is asked again for up to `patience` seconds.
        """
        hook = MlflowHook(
            self.mlflow_conn_id,
            binding=self.binding,
            kubernetes_conn_id=self.kubernetes_conn_id,
            patience=patience,
        )
        with hook.get_conn() as client:
            found = self._asked(client)
        return None if found is None or found.version == self.changed_from else found

    def _asked(self, client: MlflowClient) -> ModelVersion | None:
        if self.version:
            return client.get_model_version(self.model_name, self.version)
        if self.alias:
            return client.get_model_version_by_alias(self.model_name, self.alias)
        return client.get_latest_version(self.model_name)

    def __str__(self) -> str:
        which = f"{self.model_name}@{self.alias}" if self.alias else self.model_name
        which = f"{self.model_name}/{self.version}" if self.version else which
        other = f" other than {self.changed_from}" if self.changed_from else ""
        return f"models:/{which}{other}"

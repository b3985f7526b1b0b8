"""MlflowHook: the tracking server of a binding or of a connection, for tasks on the worker."""

from collections.abc import Sequence
from typing import Any, Final

from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook
from airflow.sdk import BaseHook

from mooring_airflow.binding import read_binding
from mooring_airflow.binding_name import BindingName
from mooring_airflow.client import MlflowClient, ModelVersion
from mooring_airflow.connection import parse_connection
from mooring_airflow.errors import MooringError
from mooring_airflow.evidence import Run
from mooring_airflow.form import CONNECTION_TYPE

PATIENCE_S: Final = 60.0
"""A tracking server that restarts must not fail a task."""

TEST_PATIENCE_S: Final = 0.0
"""Somebody waits for the answer to a press of the button."""


class MlflowHook(BaseHook):
    """The tracking server of `binding`, else that of connection `mlflow_conn_id`.

    `binding` is the name of an MlflowBinding, or `namespace/name`, as in MlflowPodOperator: nothing
    has to be configured, Airflow reads the binding through connection `kubernetes_conn_id`.
    Without it the connection of type `mlflow` is read: one typed into Airflow, or the Secret that
    a binding with `spec.airflow.connection` publishes as `mlflow_<binding>`.
    """

    conn_name_attr = "mlflow_conn_id"
    default_conn_name = "mlflow_default"
    conn_type = CONNECTION_TYPE
    hook_name = "MLflow"

    def __init__(
        self,
        mlflow_conn_id: str = default_conn_name,
        *,
        binding: str | None = None,
        kubernetes_conn_id: str = KubernetesHook.default_conn_name,
        patience: float = PATIENCE_S,
        logger_name: str | None = None,
    ) -> None:
        super().__init__(logger_name)
        self.mlflow_conn_id = mlflow_conn_id
        self.binding = binding
        self.kubernetes_conn_id = kubernetes_conn_id
        self.patience = patience

    def get_conn(self) -> MlflowClient:
        """A client of the server, to be used in a `with` block; raises MooringError.

        What the server cannot do at once is tried again for up to `patience` seconds.
        """
        if self.binding is None:
            server = parse_connection(self.get_connection(self.mlflow_conn_id))
            return MlflowClient(
                server.url, self.patience, lambda: None, server.headers, server.verify
            )
        name = BindingName.parse(self.binding, None)
        found = read_binding(KubernetesHook(conn_id=self.kubernetes_conn_id), name)
        return MlflowClient.of(found, self.patience)

    def test_connection(self) -> tuple[bool, str]:
        """Whether the server answers and lets the caller in, and what to say of it."""
        self.patience = TEST_PATIENCE_S
        try:
            with self.get_conn() as client:
                return True, f"MLflow {client.server_version()} at {client.url}"
        except MooringError as error:
            return False, str(error)

    def get_run(self, run_id: str) -> Run:
        """See `MlflowClient.get_run`."""
        with self.get_conn() as client:
            return client.get_run(run_id)

    def search_runs(self, experiments: Sequence[str] = (), **how: Any) -> list[Run]:
        """See `MlflowClient.search_runs`."""
        with self.get_conn() as client:
            return client.search_runs(experiments, **how)

    def get_model_version(self, name: str, version: str) -> ModelVersion | None:
        """See `MlflowClient.get_model_version`."""
        with self.get_conn() as client:
            return client.get_model_version(name, version)

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion | None:
        """See `MlflowClient.get_model_version_by_alias`."""
        with self.get_conn() as client:
            return client.get_model_version_by_alias(name, alias)

    def get_latest_version(self, name: str) -> ModelVersion | None:
        """See `MlflowClient.get_latest_version`."""
        with self.get_conn() as client:
            return client.get_latest_version(name)

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """See `MlflowClient.set_alias`."""
        with self.get_conn() as client:
            client.set_alias(name, alias, version)

    def delete_alias(self, name: str, alias: str) -> None:
        """See `MlflowClient.delete_alias`."""
        with self.get_conn() as client:
            client.delete_alias(name, alias)

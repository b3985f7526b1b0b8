"""The buttons that lead from a task instance to what it left on the tracking server.

Airflow asks for them on the worker when the task has ended, and keeps the answers as XCom.
"""

from airflow.sdk import BaseOperator, BaseOperatorLink
from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.execution_time.xcom import XCom
from airflow.sdk.types import TaskInstanceKey

from mooring import contract


class MlflowRunLink(BaseOperatorLink):
    """Opens the run's page on the workspace's tracking server."""

    name = "MLflow run"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """The address that the task's run reference holds; empty when nothing landed."""
        found = XCom.get_value(ti_key=ti_key, key=contract.XCOM_KEY)
        return str((found or {}).get("ui_url", ""))


class MlflowModelVersionLink(BaseOperatorLink):
    """Opens the page of the version that a task of the registry has registered or promoted."""

    name = "MLflow model version"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """The address; empty when the task has not come that far."""
        found = XCom.get_value(ti_key=ti_key, key=BaseXCom.XCOM_RETURN_KEY)
        return str((found or {}).get("url", ""))

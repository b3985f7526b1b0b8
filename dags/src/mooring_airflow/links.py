"""The button that leads from a task instance to its run."""

from airflow.sdk import BaseOperator, BaseOperatorLink
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

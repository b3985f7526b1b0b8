"""The buttons that lead from a task instance to what it left on the tracking server.

Airflow asks for them on the worker when the task has ended, and keeps the answers as XCom.
"""

from collections.abc import Mapping
from typing import Any, Final

from airflow.sdk import BaseOperator, BaseOperatorLink
from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.execution_time.xcom import XCom
from airflow.sdk.types import TaskInstanceKey

from mooring import contract


class MlflowRunLink(BaseOperatorLink):
    """Opens the page of the task's run."""

    name = "MLflow run"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """The address; empty when nothing landed."""
        return _page(_reference(ti_key))


class MlflowExperimentLink(BaseOperatorLink):
    """Opens the page of the experiment that the task's run is in."""

    name = "MLflow experiment"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """The address; empty when nothing landed."""
        return _experiment(_reference(ti_key))


class MlflowModelLink(BaseOperatorLink):
    """Opens the page of the logged model that the task hands on."""

    name = "MLflow model"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """The address; empty when the run has no model."""
        reference = _reference(ti_key)
        model = reference.get("model_id")
        return f"{_experiment(reference)}/models/{model}" if model else ""


class MlflowModelVersionLink(BaseOperatorLink):
    """Opens the page of the version that a task of the registry has registered or promoted."""

    name = "MLflow model version"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """The address; empty when the task has not come that far."""
        found = XCom.get_value(ti_key=ti_key, key=BaseXCom.XCOM_RETURN_KEY)
        return str((found or {}).get("url", ""))


OF_A_RUN: Final = (MlflowRunLink(), MlflowExperimentLink(), MlflowModelLink())
"""The links of a task that hands on the reference of a run."""


def _reference(ti_key: TaskInstanceKey) -> Mapping[str, Any]:
    return XCom.get_value(ti_key=ti_key, key=contract.XCOM_KEY) or {}


def _page(reference: Mapping[str, Any]) -> str:
    return str(reference.get("ui_url") or "")


def _experiment(reference: Mapping[str, Any]) -> str:
    return _page(reference).rpartition("/runs/")[0]

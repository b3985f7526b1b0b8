"""@task.mlflow: a function that runs in a pod, whose MLflow run is known to have landed."""

from collections.abc import Callable, Sequence
from typing import Any

from airflow.providers.cncf.kubernetes.decorators.kubernetes import _KubernetesDecoratedOperator
from airflow.sdk.bases.decorator import TaskDecorator, task_decorator_factory
from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.definitions.context import Context
from airflow.sdk.execution_time.lazy_sequence import LazyXComSequence

from mooring_airflow.operators import MlflowPodOperator


class _MlflowDecoratedOperator(_KubernetesDecoratedOperator, MlflowPodOperator):
    """A decorated function, run as @task.kubernetes does it in a pod of MlflowPodOperator."""

    custom_operator_name = "@task.mlflow"
    # cmds and arguments are what starts the function
    template_fields: Sequence[str] = tuple(
        {"op_args", "op_kwargs", *MlflowPodOperator.template_fields} - {"cmds", "arguments"}
    )

    def execute(self, context: Context) -> Any:
        """Run the function; what mapped tasks hand it becomes a list, as a pod has no Airflow."""
        self.op_args = [_plain(value) for value in self.op_args]
        self.op_kwargs = {name: _plain(value) for name, value in self.op_kwargs.items()}
        return super().execute(context)

    def _hand_on(self, context: Context, reference: dict[str, Any]) -> None:
        """The reference is also what the function returns, unless its own value is asked for."""
        super()._hand_on(context, reference)
        if not self.do_xcom_push:
            context["ti"].xcom_push(key=BaseXCom.XCOM_RETURN_KEY, value=reference)


def mlflow_task(
    python_callable: Callable[..., Any] | None = None,
    multiple_outputs: bool | None = None,
    **kwargs: Any,
) -> TaskDecorator:
    """Run a function in a pod of `MlflowPodOperator`; `kwargs` are that operator's.

    The image needs bash and Python. What the task hands on is the reference of its run, so that
    `evaluate(train())` gives the next function a dict with `run_id` and `model_uri`; with
    `do_xcom_push=True` it is what the function returns, by XCom's sidecar.
    """
    return task_decorator_factory(
        python_callable=python_callable,
        multiple_outputs=multiple_outputs,
        decorated_operator_class=_MlflowDecoratedOperator,
        **kwargs,
    )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, LazyXComSequence) else value

"""@task.mlflow as Airflow finds it."""

from typing import Any

from airflow.sdk import DAG, task

from mooring_airflow.decorators import _MlflowDecoratedOperator
from mooring_airflow.operators import MlflowPodOperator

POD: dict[str, Any] = {"binding": "team-a", "image": "mooring/training:test"}


def test_airflow_knows_the_decorator() -> None:
    @task.mlflow(**POD, require=["model"])
    def train(rate: float) -> None:
        print(rate)

    with DAG("d", schedule=None) as dag:
        train(0.1)
        train.override(task_id="mapped").expand(rate=[0.1, 0.2])
    one = dag.task_dict["train"]
    assert isinstance(one, _MlflowDecoratedOperator)
    assert one.custom_operator_name == "@task.mlflow"
    assert (one.binding, one.require) == ("team-a", ["model"])
    # What the operator templates, but for the two that start the function.
    assert {*MlflowPodOperator.template_fields} - {*one.template_fields} == {"cmds", "arguments"}
    assert {"op_args", "op_kwargs"} <= {*one.template_fields}
    assert dag.task_dict["mapped"].is_mapped

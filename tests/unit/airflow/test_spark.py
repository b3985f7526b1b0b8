"""SparkKubernetesOperator: Spark's operator makes the pods, of what the task's template says."""

from types import SimpleNamespace
from typing import Any

from airflow.providers.cncf.kubernetes.operators.custom_object_launcher import CustomObjectLauncher
from airflow.providers.cncf.kubernetes.operators.spark_kubernetes import SparkKubernetesOperator
from airflow.sdk.execution_time.context import MacrosAccessor
from airflow.sdk.plugins_manager import integrate_macros_plugins

from mooring import contract
from mooring.training.tags import tags_of

POD = {
    "labels": {contract.BINDING_LABEL: "team-a"},
    "env": [{"name": contract.RUN_CONTEXT, "value": "{{ macros.mooring.run_context() }}"}],
}
APPLICATION = {
    "apiVersion": "sparkoperator.k8s.io/v1beta2",
    "kind": "SparkApplication",
    "spec": {"driver": POD, "executor": {"labels": POD["labels"]}},
}


def context() -> Any:
    instance = SimpleNamespace(
        dag_id="d", run_id="manual__1", task_id="train", map_index=-1, try_number=1, log_url=""
    )
    return {"ti": instance, "macros": MacrosAccessor(), "logical_date": None}


def test_the_labels_reach_both_kinds_of_pods_and_the_driver_knows_its_task() -> None:
    integrate_macros_plugins()
    task = SparkKubernetesOperator(task_id="train", namespace="team-a", template_spec=APPLICATION)
    task.render_template_fields(context())
    launcher: Any = CustomObjectLauncher("train-1", "team-a", None, None, task.template_body)
    spec = launcher.body["spec"]
    for kind in ("driver", "executor"):
        assert spec[kind]["labels"] == {contract.BINDING_LABEL: "team-a"}
    (told,) = spec["driver"]["env"]
    tags = tags_of(told["value"])
    assert (tags[contract.TAG_RUN_ID], tags[contract.TAG_TASK_ID]) == ("manual__1", "train")

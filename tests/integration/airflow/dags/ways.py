"""Every way an author starts a pod: each DAG is one. The pods run as processes (kubelet.py)."""

import os
from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.operators.resource import KubernetesCreateResourceOperator
from airflow.sdk import DAG, TaskGroup, task

from mooring import contract
from mooring_airflow.operators import MlflowPodOperator

NAMESPACE = os.environ["WAYS_NAMESPACE"]
PUBLISHED = contract.published_name("team-a")

POD: dict[str, Any] = {
    "task_id": "train",
    "image": "mooring/training:test",
    "cmds": ["python", "-c"],
    "arguments": [os.environ["WAYS_CODE"]],
    "namespace": NAMESPACE,
    "get_logs": False,
    "log_events_on_startup": False,
    "log_pod_spec_on_failure": False,
    "startup_check_interval_seconds": 1,
    # What an admission policy would merge in; there is none here.
    "env_from": [
        {"configMapRef": {"name": PUBLISHED}},
        {"secretRef": {"name": PUBLISHED}},
    ],
}

with DAG("by_tag", schedule=None, tags=["mlflow:team-a"], default_args={"owner": "ana"}):
    KubernetesPodOperator(**POD)

with DAG("by_param", schedule=None, params={"mlflow_binding": "team-a"}):
    KubernetesPodOperator.partial(**POD).expand(env_vars=[{"LR": "1"}, {"LR": "2"}])

with DAG("deferred", schedule=None):
    MlflowPodOperator(**POD, binding=f"{NAMESPACE}/team-a", deferrable=True)

FUNCTION = {k: v for k, v in POD.items() if k not in {"task_id", "cmds", "arguments"}}


@task.mlflow(**FUNCTION, binding=f"{NAMESPACE}/team-a")
def train(code: str, rate: float) -> None:
    """What runs in the pod: it sees its arguments, and nothing of this file."""
    scope: dict[str, Any] = {}
    exec(code, scope)  # noqa: S102 (a program that the test writes)
    call, run = scope["call"], scope["run"]
    call("runs/log-metric", run_id=run, key="rate", value=rate, timestamp=0)
    call("runs/update", run_id=run, status="FINISHED")


@task.mlflow(**FUNCTION, binding=f"{NAMESPACE}/team-a")
def compare(code: str, runs: Any) -> None:
    """Say on its own run which runs it was given."""
    scope: dict[str, Any] = {}
    exec(code, scope)  # noqa: S102
    call, run = scope["call"], scope["run"]
    given = ",".join(sorted(each["run_id"] for each in runs))
    call("runs/set-tag", run_id=run, key="compared", value=given)
    call("runs/update", run_id=run, status="FINISHED")


with DAG("taskflow", schedule=None):
    with TaskGroup("search"):
        trained = train.partial(code=os.environ["WAYS_RUN"]).expand(rate=[0.1, 0.2])
    compare(code=os.environ["WAYS_RUN"], runs=trained)

with DAG("around", schedule=None):
    each = {**POD, "binding": f"{NAMESPACE}/team-a"}
    before = MlflowPodOperator(**each | {"task_id": "before"})
    after = MlflowPodOperator(**each | {"task_id": "after"}).as_teardown(setups=before)
    before >> MlflowPodOperator(**each, require=["model"]) >> after

RESOURCE = """
apiVersion: batch/v1
kind: Job
metadata: {name: resource}
spec:
  suspend: true
  template:
    metadata: {labels: {mooring.dev/binding: team-a}}
    spec:
      restartPolicy: Never
      containers:
        - name: base
          image: mooring/training:test
          env:
            - name: MLFLOW_RUN_CONTEXT
              value: {{ macros.mooring.run_context() | tojson }}
"""

with DAG("resource", schedule=None):
    KubernetesCreateResourceOperator(task_id="train", yaml_conf=RESOURCE, namespace=NAMESPACE)

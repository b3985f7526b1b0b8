"""Every way an author starts a pod: each DAG is one. The pods run as processes (kubelet.py)."""

import os
from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import DAG

from mooring import contract

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

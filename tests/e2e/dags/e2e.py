"""Pods as a test asks for them, each a mapped task instance, by either operator.

A run's conf holds `pods`: a list of the operator's keyword arguments. `…_retry` tries twice;
`…_handover` hands each pod's reference to a pod called `next`, which is given `next` of the conf.
"""

import os
from datetime import timedelta
from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import DAG, get_current_context, task

from mooring import contract
from mooring_airflow.operators import MlflowPodOperator

POD: dict[str, Any] = {
    "task_id": "pod",
    "image": os.environ["TRAINING_IMAGE"],
    "cmds": ["python", "-c"],
    "startup_check_interval_seconds": 1,
}

OPERATORS: dict[str, tuple[type[KubernetesPodOperator], str]] = {
    "e2e_plain": (KubernetesPodOperator, "return_value"),
    "e2e_moored": (MlflowPodOperator, contract.XCOM_KEY),
}


@task
def asked() -> list[dict[str, Any]]:
    """The operator arguments in the run's conf."""
    conf = get_current_context()["dag_run"].conf or {}
    return list(conf["pods"])


for name, (operator, key) in OPERATORS.items():
    with DAG(name, schedule=None):
        operator.partial(**POD).expand_kwargs(asked())

    with DAG(f"{name}_retry", schedule=None):
        again = {"retries": 1, "retry_delay": timedelta(0)}
        operator.partial(**POD, **again).expand_kwargs(asked())

    with DAG(f"{name}_handover", schedule=None):
        pods = operator.partial(**POD).expand_kwargs(asked())
        handed = f"{{{{ ti.xcom_pull(task_ids='pod', key='{key}') | list | tojson }}}}"
        after = KubernetesPodOperator(
            **POD | {"task_id": "next"},
            namespace="team-a",
            labels={contract.BINDING_LABEL: "team-a"},
            arguments=["{{ dag_run.conf['next'] }}", handed],
        )
        pods >> after

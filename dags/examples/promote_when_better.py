"""A training whose model becomes the champion only where it beats the one of today.

`register` makes a version of what `train` has logged; `promote` compares, and moves the alias, or
is skipped with all that comes after it. Neither needs a pod, or MLflow on the worker.
"""

import os

from airflow.sdk import DAG

from mooring_airflow.operators import MlflowPodOperator
from mooring_airflow.registry import MlflowPromoteModelOperator, MlflowRegisterModelOperator

model = {"binding": "team-a", "model_name": "diagnosis"}

with DAG(
    dag_id="promote_when_better",
    schedule=None,
    catchup=False,
    tags=["mooring"],
    doc_md=__doc__,
    params={"strength": 1.0},
):
    train = MlflowPodOperator(
        task_id="train",
        binding="team-a",
        image=os.environ["TRAINING_IMAGE"],
        cmds=["python"],
        arguments=["/opt/examples/train.py", "--strength", "{{ params.strength }}"],
        require=["model"],
    )

    register = MlflowRegisterModelOperator(
        task_id="register",
        model_uri="{{ ti.xcom_pull('train', key='mlflow_run')['model_uri'] }}",
        **model,
    )

    promote = MlflowPromoteModelOperator(
        task_id="promote",
        version="{{ ti.xcom_pull('register')['version'] }}",
        metric="holdout_roc_auc",
        alias="champion",
        **model,
    )

    train >> register >> promote

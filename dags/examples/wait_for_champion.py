"""Predictions as soon as a model has a champion, whoever has made it one.

The sensor waits in the triggerer and holds no worker. It is for what Airflow does not do itself: an
alias that a person, or another platform, moves in MLflow makes no asset event.
"""

import os
from datetime import timedelta

from airflow.sdk import DAG

from mooring_airflow.operators import MlflowPodOperator
from mooring_airflow.sensors import MlflowModelVersionSensor

MODEL = "diagnosis"

with DAG(
    dag_id="wait_for_champion", schedule=None, catchup=False, tags=["mooring"], doc_md=__doc__
):
    wait = MlflowModelVersionSensor(
        task_id="wait",
        binding="team-a",
        model_name=MODEL,
        alias="champion",
        deferrable=True,
        timeout=timedelta(hours=6).total_seconds(),
    )

    score = MlflowPodOperator(
        task_id="score",
        binding="team-a",
        image=os.environ["TRAINING_IMAGE"],
        cmds=["python"],
        arguments=["/opt/examples/score.py", "--model", MODEL],
        require=["predictions.csv"],
    )

    wait >> score

"""Trainings that hold no worker while their pods run, each verified when its pod has ended.

What is required may be told closely: a flavour, a pattern, a number of files, their bytes.
"""

import os

from airflow.sdk import DAG

from mooring_airflow.operators import MlflowPodOperator

with DAG(dag_id="deferred", schedule=None, catchup=False, tags=["mooring"], doc_md=__doc__):
    MlflowPodOperator.partial(
        task_id="train",
        binding="team-a",
        deferrable=True,
        image=os.environ["TRAINING_IMAGE"],
        cmds=["python", "/opt/examples/train.py", "--strength"],
        require=[
            {"name": "model", "flavor": "sklearn"},
            {"name": "*.csv", "min_count": 1, "min_bytes": 100},
        ],
        register="screening",
    ).expand(arguments=[["0.1"], ["10"]])

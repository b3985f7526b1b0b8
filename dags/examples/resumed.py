"""A training that goes on where it was when its pod was taken away.

With `resume=True` a retry is given the run of the try before it, so that there is one run with one
curve; what the code goes on from, here its last checkpoint, it finds in that run.
"""

import os
from datetime import timedelta

from airflow.sdk import DAG

from mooring_airflow.operators import MlflowPodOperator

with DAG(
    dag_id="resumed",
    schedule=None,
    catchup=False,
    tags=["mooring"],
    doc_md=__doc__,
    params={"epochs": 30},
):
    MlflowPodOperator(
        task_id="train",
        binding="team-a",
        resume=True,
        retries=3,
        retry_delay=timedelta(seconds=5),
        image=os.environ["TRAINING_IMAGE"],
        cmds=["python"],
        arguments=["/opt/examples/train_in_epochs.py", "--epochs", "{{ params.epochs }}"],
        require=["model", "checkpoint.pkl"],
    )

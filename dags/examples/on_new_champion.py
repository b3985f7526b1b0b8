"""Predictions as soon as there is a new champion, whichever DAG has promoted it.

The asset `mlflow://team-a/diagnosis@champion` changes when a task of Airflow moves the alias;
its event says which version that is.
"""

import os
from typing import Any

from airflow.sdk import DAG, task

from mooring_airflow.assets import registered_model
from mooring_airflow.operators import MlflowPodOperator

MODEL = "diagnosis"

champion = registered_model(binding="team-a", model=MODEL, alias="champion")

with DAG(
    dag_id="on_new_champion", schedule=[champion], catchup=False, tags=["mooring"], doc_md=__doc__
):

    @task
    def which(triggering_asset_events: Any = None) -> str:
        """The version that the event names; other DAGs may have moved the alias on since."""
        return triggering_asset_events[champion][-1].extra["model_uri"]

    score = MlflowPodOperator(
        task_id="score",
        binding="team-a",
        image=os.environ["TRAINING_IMAGE"],
        cmds=["python"],
        arguments=["/opt/examples/score.py", "--model", MODEL],
        require=["predictions.csv"],
    )

    which() >> score

"""A plain KubernetesPodOperator, and not a line about MLflow but the DAG's tag.

The tag names the binding of the namespace in which the pods run; each pod gets the tracking URI,
credentials and guard by it, and its runs say which task they are of. Nothing is verified: for that
there is MlflowPodOperator.
"""

import os

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import DAG

with DAG(
    dag_id="plain_pods",
    schedule=None,
    catchup=False,
    tags=["mooring", "mlflow:team-a"],
    doc_md=__doc__,
) as dag:
    KubernetesPodOperator(
        task_id="train",
        namespace="team-a",
        image=os.environ["TRAINING_IMAGE"],
        cmds=["python", "/opt/examples/train.py", "--strength", "1"],
    )

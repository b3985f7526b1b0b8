"""Three trainings in parallel, the best of them registered, predictions with the champion.

The DAG names a binding and nothing else: no URI, no key, no bucket, no secret.
"""

import os

from airflow.sdk import DAG

from mooring_airflow.operators import MlflowPodOperator

MODEL = "breast-cancer"

pod = {"binding": "team-a", "image": os.environ["TRAINING_IMAGE"], "cmds": ["python"]}

with DAG(dag_id="breast_cancer", schedule=None, catchup=False, tags=["mooring"], doc_md=__doc__):
    train = MlflowPodOperator.partial(
        task_id="train", require=["model", "coefficients.csv"], **pod
    ).expand(arguments=[["/opt/examples/train.py", "--strength", c] for c in ("0.01", "1", "100")])

    evaluate = MlflowPodOperator(
        task_id="evaluate",
        require=["comparison.csv"],
        arguments=[
            "/opt/examples/evaluate.py",
            "--model",
            MODEL,
            "--runs",
            "{{ ti.xcom_pull(task_ids='train', key='mlflow_run') | list | tojson }}",
        ],
        **pod,
    )

    score = MlflowPodOperator(
        task_id="score",
        require=["predictions.csv"],
        arguments=["/opt/examples/score.py", "--model", MODEL],
        **pod,
    )

    train >> evaluate >> score

"""Functions whose bodies run in pods, and hand each other their runs.

What a function needs it imports inside; what it is given is a dict with the id of the run before it
and the URI of its model.
"""

import os
from typing import Any

from airflow.sdk import DAG, task

pod = {"binding": "team-a", "image": os.environ["TRAINING_IMAGE"]}


@task.mlflow(require=["model"], **pod)
def train(strength: float) -> None:
    """Log a model."""
    import mlflow
    import sklearn
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features, labels = load_breast_cancer(return_X_y=True, as_frame=True)
    with mlflow.start_run():
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength))
        mlflow.log_metric("accuracy", model.fit(features, labels).score(features, labels))
        needs = [f"scikit-learn=={sklearn.__version__}"]
        mlflow.sklearn.log_model(model, name="model", pip_requirements=needs)


@task.mlflow(**pod)
def compare(runs: Any) -> None:
    """Log which model is the best."""
    import mlflow

    best = max(runs, key=lambda run: run["metrics"]["accuracy"])
    with mlflow.start_run():
        mlflow.set_tag("best_model", best["model_uri"])
        mlflow.sklearn.load_model(best["model_uri"])


with DAG(dag_id="functions", schedule=None, catchup=False, tags=["mooring"], doc_md=__doc__):
    compare(train.expand(strength=[0.1, 10.0]))

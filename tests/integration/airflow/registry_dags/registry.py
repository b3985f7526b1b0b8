"""Models registered and promoted, and what starts because of it."""

import os
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

from mooring_airflow.assets import registered_model
from mooring_airflow.registry import MlflowPromoteModelOperator, MlflowRegisterModelOperator

where: dict[str, Any] = {
    "mlflow_conn_id": "mlflow_team-a",
    "model_name": os.environ["REGISTRY_MODEL"],
}
named: dict[str, Any] = {"binding": "team-a", "model": os.environ["REGISTRY_MODEL"]}

with DAG("registering", schedule=None):
    before: Any = MlflowRegisterModelOperator.partial(task_id="register", **where).expand(
        model_uri=os.environ["REGISTRY_MODELS"].split()
    )
    for index in (0, 1):
        version = f"{{{{ ti.xcom_pull('register', map_indexes={index})['version'] }}}}"
        promote = MlflowPromoteModelOperator(
            task_id=f"promote_{index}", version=version, metric="auc", **where
        )
        before >> promote
        before = promote

with DAG("on_new_version", schedule=[registered_model(**named)]):
    EmptyOperator(task_id="check")

with DAG("on_new_champion", schedule=[registered_model(**named, alias="champion")]):
    EmptyOperator(task_id="deploy")

with DAG("on_another", schedule=[registered_model(**named, alias="challenger")]):
    EmptyOperator(task_id="compare")

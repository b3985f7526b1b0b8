"""A DAG that says by a tag alone where its pods log to."""

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

with DAG(dag_id="tagged", schedule=None, tags=["mlflow:team-a"]):
    EmptyOperator(task_id="fit") >> EmptyOperator(task_id="report") >> EmptyOperator(task_id="mail")

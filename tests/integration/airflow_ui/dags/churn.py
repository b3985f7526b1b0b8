"""The DAG of a team, as short to import as can be: nothing here is ever executed."""

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

with DAG(dag_id="churn", schedule=None):
    prepare = EmptyOperator(task_id="prepare")
    train = BashOperator.partial(task_id="train").expand(bash_command=["0.01", "1", "100"])
    evaluate = EmptyOperator(task_id="evaluate")
    deploy = EmptyOperator(task_id="deploy")
    prepare >> train >> evaluate >> deploy

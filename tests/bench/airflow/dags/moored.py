"""The same training in an MlflowPodOperator."""

from airflow.sdk import DAG

from mooring_airflow.operators import MlflowPodOperator
from tests.bench.airflow.dags.counting import Counted
from tests.bench.airflow.dags.training import arguments


class Moored(Counted, MlflowPodOperator):
    """MlflowPodOperator that counts."""


with DAG("bench_moored", schedule=None):
    Moored(**arguments("moored"))

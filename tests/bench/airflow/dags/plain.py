"""The training in a plain KubernetesPodOperator, wired by hand."""

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import DAG

from tests.bench.airflow.dags.counting import Counted
from tests.bench.airflow.dags.training import arguments


class Plain(Counted, KubernetesPodOperator):
    """KubernetesPodOperator that counts."""


with DAG("bench_plain", schedule=None):
    Plain(**arguments("plain"))

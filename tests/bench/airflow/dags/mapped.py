"""Many pods of one mapped task. XCom of some is lost; then somebody asks for every reference."""

import logging
from collections.abc import Sequence

from airflow.sdk import DAG, get_current_context, task
from airflow.sdk.execution_time.xcom import XCom

from mooring import contract
from mooring_airflow.errors import MooringError
from mooring_airflow.operators import MlflowPodOperator
from mooring_airflow.ref import MlflowRunRef
from tests.bench.airflow.dags.training import arguments, settings

TRAIN = "train"

log = logging.getLogger(__name__)


@task
def lose(indices: Sequence[int]) -> None:
    """Delete what the tasks of these map indices have handed on."""
    ti = get_current_context()["ti"]
    for index in indices:
        where = {"task_id": TRAIN, "dag_id": ti.dag_id, "run_id": ti.run_id, "map_index": index}
        XCom.delete(key=contract.XCOM_KEY, **where)


@task
def collect(pods: int, binding: str) -> list[str | None]:
    """For each pod the id of its run, as a task that follows gets it; None where it gets none."""
    ti = get_current_context()["ti"]
    found: list[str | None] = []
    for index in range(pods):
        try:
            run = MlflowRunRef.from_ti(ti, TRAIN, map_index=index, binding=binding)
            found.append(run.run_id)
        except MooringError as error:
            log.warning("%s: %s", index, error)
            found.append(None)
    return found


with DAG("bench_mapped", schedule=None):
    many = settings()["many"]
    train = MlflowPodOperator.partial(
        **arguments("mapped"), max_active_tis_per_dagrun=many["at_once"]
    ).expand(env_vars=[{"INDEX": str(index)} for index in range(many["pods"])])
    train >> lose(many["deleted"]) >> collect(many["pods"], many["binding"])

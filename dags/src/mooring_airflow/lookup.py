"""The run of a task instance, found by its tags: the truth, where XCom is a cache."""

from collections.abc import Mapping
from typing import Final

import httpx
from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook

from mooring import contract
from mooring.finding import Finding
from mooring_airflow import identity
from mooring_airflow.binding import read_binding
from mooring_airflow.binding_name import BindingName
from mooring_airflow.errors import MooringError
from mooring_airflow.evidence import FINISHED, Run, reference, roots
from mooring_airflow.gather import gather
from mooring_airflow.ref import MlflowRunRef
from mooring_airflow.tracking import Tracking

PATIENCE_S: Final = 30.0


def find_run(tags: Mapping[str, str], binding: str, kubernetes_conn_id: str) -> MlflowRunRef:
    """The latest finished run of the task instance that `tags` name, and its model.

    Raises MooringError where there is none, or it cannot be asked for.
    """
    hook = KubernetesHook(conn_id=kubernetes_conn_id)
    bound = read_binding(hook, BindingName.parse(binding, None), ready=False)
    try:
        with Tracking.of(bound, PATIENCE_S) as tracking:
            runs = [Run.of(found) for found in tracking.runs(tags, tracking.experiments())]
            run = next((r for r in roots(runs) if r.status == FINISHED), None)
            if run is None:
                raise MooringError(_none(tags, binding, runs))
            of_try = {key: run.tags[key] for key in identity.TRY_TAGS if key in run.tags}
            return reference(gather(tracking, of_try, ()), bound.url, (), bound.pages)
    except httpx.HTTPError as error:
        raise MooringError(
            Finding(
                "ServerUnreachable",
                f"the tracking server {bound.url} of binding {binding} could not be asked for the "
                f"run ({type(error).__name__}: {error}).",
            )
        ) from error


def _none(tags: Mapping[str, str], binding: str, runs: list[Run]) -> Finding:
    task = f"task {tags[contract.TAG_DAG_ID]}.{tags[contract.TAG_TASK_ID]}"
    left = ", ".join(f"{run.run_id} is {run.status}" for run in runs) or "it has none"
    return Finding(
        "RunMissing",
        f"{task}, run {tags[contract.TAG_RUN_ID]}, map index {tags[contract.TAG_MAP_INDEX]}, has "
        f"no finished run on the tracking server of binding {binding} ({left}). Run that task "
        "again, or correct task_id and binding.",
    )

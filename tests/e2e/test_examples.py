"""The example DAGs beside the main job, as their author would run them."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from mooring import contract
from tests.cluster.process import wait_until
from tests.demo.airflow import DagRun
from tests.demo.cluster import kubectl
from tests.demo.store import Tracking, tracking
from tests.e2e.jobs import Jobs
from tests.e2e.scenarios import TRAINING_S

TEAM: Final = "team-a"
MODEL: Final = "diagnosis"
PROMOTES: Final = "promote_when_better"
WAITS: Final = "on_new_champion"
WAITING: Final = "wait_for_champion"
RESUMED: Final = "resumed"
EPOCHS: Final = 30


@pytest.fixture(scope="module")
def server(system: None) -> Iterator[Tracking]:
    with tracking(TEAM) as client:
        yield client


@pytest.fixture(scope="module")
def waiting(jobs: Jobs) -> frozenset[str]:
    """The runs of the DAG that waits for a champion, from before there is a new one."""
    jobs.airflow.unpause(WAITS)
    return frozenset(jobs.airflow.run_ids(WAITS))


@pytest.fixture(scope="module")
def promoted(jobs: Jobs, server: Tracking, waiting: frozenset[str]) -> DagRun:
    """A training whose model is the first to be the champion."""
    if server.registered_model(MODEL) is not None:
        server.delete_alias(MODEL, "champion")
    return jobs.airflow.wait(PROMOTES, jobs.start(PROMOTES).run_id)


def test_the_first_model_is_the_champion(promoted: DagRun, jobs: Jobs, server: Tracking) -> None:
    assert {task.task_id: task.state for task in promoted.tasks} == {
        "train": "success",
        "register": "success",
        "promote": "success",
    }
    (promote,) = (task for task in promoted.tasks if task.task_id == "promote")
    told: dict[str, Any] = jobs.airflow.xcom(PROMOTES, promoted.run_id, promote, "return_value")
    assert told["promoted"]
    assert told["holder"] is None
    assert _champion(server) == told["version"]


def test_a_new_champion_starts_the_dag_that_waits_for_it(
    promoted: DagRun, waiting: frozenset[str], jobs: Jobs, server: Tracking
) -> None:
    (started,) = wait_until(
        lambda: set(jobs.airflow.run_ids(WAITS)) - waiting, "the DAG that waits for a champion"
    )
    assert jobs.airflow.wait(WAITS, started).state == "success"
    (run,) = server.runs(**{contract.TAG_RUN_ID: started})
    assert run.tags[contract.TAG_DAG_ID] == WAITS
    assert run.tags[contract.TAG_VERIFIED] == "true"


def test_one_that_is_not_better_is_skipped(promoted: DagRun, jobs: Jobs, server: Tracking) -> None:
    before = _champion(server)
    again = jobs.airflow.wait(PROMOTES, jobs.start(PROMOTES).run_id)
    states = {task.task_id: task.state for task in again.tasks}
    assert states == {"train": "success", "register": "success", "promote": "skipped"}
    assert _champion(server) == before


def test_each_way_to_start_a_pod_names_its_runs(
    promoted: DagRun, jobs: Jobs, server: Tracking
) -> None:
    assert promoted.state == "success", "there is a champion to wait for"
    expected: dict[str, set[tuple[str, str, str | None]]] = {
        WAITING: {("score", "-1", "true")},
        # Nobody verifies a plain pod: that its run has all tags is the policy's work.
        "plain_pods": {("train", "-1", None)},
        "deferred": {("train", "0", "true"), ("train", "1", "true")},
        "functions": {("train", "0", "true"), ("train", "1", "true"), ("compare", "-1", "true")},
    }
    for started in [jobs.start(dag_id) for dag_id in expected]:
        assert jobs.airflow.wait(started.dag_id, started.run_id).state == "success"
        wanted = {
            contract.TAG_DAG_ID: started.dag_id,
            contract.TAG_RUN_ID: started.run_id,
            contract.TAG_BINDING: f"{TEAM}/{TEAM}",
        }
        tags = [run.tags for run in server.runs(**wanted)]
        found = {
            (t[contract.TAG_TASK_ID], t[contract.TAG_MAP_INDEX], t.get(contract.TAG_VERIFIED))
            for t in tags
        }
        assert found == expected[started.dag_id]
        pods = {t[contract.TAG_POD] for t in tags}
        assert len(pods) == len(expected[started.dag_id]), "each names its own pod"


def test_a_training_whose_pod_is_taken_away_goes_on_in_its_run(
    jobs: Jobs, server: Tracking
) -> None:
    started = jobs.start(RESUMED)
    mine = {contract.TAG_DAG_ID: RESUMED, contract.TAG_RUN_ID: started.run_id}

    def checkpoint() -> str:
        return next((r.tags[contract.TAG_POD] for r in server.runs(**mine) if r.metrics), "")

    pod = wait_until(checkpoint, "the first epoch", timeout=TRAINING_S)
    kubectl("delete", "pod", "-n", TEAM, pod, "--wait=false")
    assert jobs.airflow.wait(RESUMED, started.run_id).state == "success"
    (run,) = server.runs(**mine)
    assert run.status == "FINISHED"
    assert run.metrics["epoch"] == EPOCHS
    assert run.tags[contract.TAG_POD] != pod
    assert run.tags[contract.TAG_VERIFIED] == "true"


def _champion(server: Tracking) -> str:
    model = server.registered_model(MODEL)
    assert model is not None
    return str({alias["alias"]: alias["version"] for alias in model["aliases"]}["champion"])

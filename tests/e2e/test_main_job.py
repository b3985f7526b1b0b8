"""The example DAG does what the README promises, as its store and its tracking server show."""

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

import pytest

from mooring import contract
from tests.demo.airflow import DagRun
from tests.demo.store import BUCKET, Artifact, Run, Tracking, artifacts, tracking
from tests.e2e.jobs import Jobs

TEAM: Final = "team-a"
DAG: Final = "breast_cancer"
MODEL: Final = "breast-cancer"
METRIC: Final = "holdout_roc_auc"
ROWS: Final = 569
COLUMNS: Final = 30


@pytest.fixture(scope="module")
def server(system: None) -> Iterator[Tracking]:
    with tracking(TEAM) as client:
        yield client


@pytest.fixture(scope="module")
def dag_run(jobs: Jobs) -> DagRun:
    return jobs.airflow.wait(DAG, jobs.start(DAG).run_id)


@pytest.fixture(scope="module")
def runs(dag_run: DagRun, server: Tracking) -> dict[str, list[Run]]:
    """The runs of the DAG run by task, as their tags tell."""
    found: dict[str, list[Run]] = {"train": [], "evaluate": [], "score": []}
    for run in server.runs(**{contract.TAG_RUN_ID: dag_run.run_id}):
        found[run.tags[contract.TAG_TASK_ID]].append(run)
    return found


@pytest.fixture(scope="module")
def landed(runs: dict[str, list[Run]], store: Any) -> dict[str, list[Artifact]]:
    """Every artifact by run, read back to its last byte with the administrator's key."""
    return {
        run.run_id: [found for prefix in run.prefixes for found in artifacts(store, prefix)]
        for task in runs.values()
        for run in task
    }


def test_every_task_is_green(dag_run: DagRun) -> None:
    assert dag_run.state == "success"
    assert sorted(task.name for task in dag_run.tasks) == [
        *("evaluate", "score", "train[0]", "train[1]", "train[2]")
    ]
    assert {task.state for task in dag_run.tasks} == {"success"}


def test_every_run_names_its_task_instance_and_is_verified(runs: dict[str, list[Run]]) -> None:
    assert {task: len(found) for task, found in runs.items()} == {
        "train": 3,
        "evaluate": 1,
        "score": 1,
    }
    assert {run.tags[contract.TAG_MAP_INDEX] for run in runs["train"]} == {"0", "1", "2"}
    for run in (run for task in runs.values() for run in task):
        assert run.status == "FINISHED"
        assert run.tags[contract.TAG_DAG_ID] == DAG
        assert run.tags[contract.TAG_TRY_NUMBER] == "1"
        assert run.tags[contract.TAG_WORKSPACE] == f"{TEAM}/{TEAM}"
        assert run.tags[contract.TAG_VERIFIED] == "true"


def test_trainings_differ(runs: dict[str, list[Run]]) -> None:
    assert len({run.params["logisticregression__C"] for run in runs["train"]}) == 3
    assert len({run.metrics[METRIC] for run in runs["train"]}) == 3


def test_references_are_those_of_the_runs(
    dag_run: DagRun, runs: dict[str, list[Run]], jobs: Jobs
) -> None:
    by_index = {run.tags[contract.TAG_MAP_INDEX]: run for run in runs["train"]}
    for task in (task for task in dag_run.tasks if task.task_id == "train"):
        reference = jobs.airflow.xcom(DAG, dag_run.run_id, task, contract.XCOM_KEY)
        run = by_index[str(task.map_index)]
        assert reference["run_id"] == run.run_id
        assert reference["model_uri"] == f"models:/{run.models[0]}"


def test_best_model_is_the_champion(runs: dict[str, list[Run]], server: Tracking) -> None:
    best = max(runs["train"], key=lambda run: run.metrics[METRIC])
    (evaluate,) = runs["evaluate"]
    assert evaluate.tags["best_run_id"] == best.run_id
    model = server.registered_model(MODEL)
    assert model is not None
    champion = {alias["alias"]: alias["version"] for alias in model["aliases"]}["champion"]
    assert champion == evaluate.tags["registered_version"]


def test_artifacts_are_in_the_store(
    runs: dict[str, list[Run]], landed: dict[str, list[Artifact]], store: Any
) -> None:
    for run in runs["train"]:
        names = _by_name(landed[run.run_id])
        assert {"coefficients.csv", "MLmodel", "requirements.txt"} <= names.keys()
        assert len(_rows(store, names["coefficients.csv"])) == COLUMNS
    (evaluate,), (score,) = runs["evaluate"], runs["score"]
    compared = _rows(store, _by_name(landed[evaluate.run_id])["comparison.csv"])
    assert {row["run_id"] for row in compared} == {run.run_id for run in runs["train"]}
    predictions = _rows(store, _by_name(landed[score.run_id])["predictions.csv"])
    assert len(predictions) == ROWS
    right = sum(row["label"] == row["prediction"] for row in predictions)
    assert right / ROWS == pytest.approx(score.metrics["accuracy"])


def _by_name(found: list[Artifact]) -> dict[str, Artifact]:
    assert all(artifact.size for artifact in found)
    return {artifact.key.rsplit("/", 1)[-1]: artifact for artifact in found}


def _rows(store: Any, artifact: Artifact) -> list[dict[str, str]]:
    body = store.get_object(Bucket=BUCKET, Key=artifact.key)["Body"].read()
    return list(csv.DictReader(io.StringIO(body.decode())))

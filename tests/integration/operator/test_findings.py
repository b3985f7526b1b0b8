"""Runs and experiments that lost something are counted and named in the workspace's status."""

import json
import subprocess
import sys
from typing import Any

from mooring import contract
from mooring_operator.kube import SECRET, WORKSPACE
from mooring_operator.plan.database import MIGRATION_URI
from tests.integration.operator.process import Operator
from tests.integration.operator.test_artifact_roots import look
from tests.integration.operator.test_volume import small_class
from tests.integration.operator.world import World, condition, decoded, until

PRELUDE = """
import json, sys
from mlflow.entities import LoggedModelStatus, RunStatus, ViewType
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
store = SqlAlchemyStore(sys.argv[1], sys.argv[2])
def run(experiment, status, start=0, tags=()):
    made = store.create_run(experiment, "us", start, list(tags), "")
    id = made.info.run_id
    if status != "RUNNING":
        store.update_run_info(id, RunStatus.from_string(status), start + 1, None)
    return id
def model(experiment, run, name, status):
    made = store.create_logged_model(experiment, name, run)
    if status != "PENDING":
        store.finalize_logged_model(made.model_id, LoggedModelStatus(status))
"""
LOSE = f"""{PRELUDE}
prices = store.create_experiment("prices")
lost = run(prices, "FINISHED", 1)
model(prices, lost, "upload-failed", "FAILED")
pending = run(prices, "FINISHED", 2)
model(prices, pending, "upload-broke-off", "PENDING")
for status, end in (("READY", "FINISHED"), ("FAILED", "FAILED"), ("PENDING", "RUNNING")):
    model(prices, run(prices, end), "fine-or-told", status)
local = store.create_experiment("in-the-pod", "/home/me/mlruns")
there = store.create_experiment("theirs", "s3://key:secret@elsewhere/x")
print(json.dumps([lost, pending, run(local, "FINISHED", 1), run(there, "RUNNING", 2)]))
"""
CLEAN = f"""{PRELUDE}
for id in json.loads(sys.argv[3]):
    store.delete_run(id)
for name in ("in-the-pod", "theirs"):
    store.delete_experiment(store.get_experiment_by_name(name).experiment_id)
"""


def mlflow(program: str, *arguments: str) -> Any:
    """What a program prints that does as MLflow's server does."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], check=True, capture_output=True
    )
    return json.loads(done.stdout or "null")


def found(world: World, team: str) -> dict[str, Any]:
    live = world.api.get(WORKSPACE, team, "models") or {}
    findings: dict[str, Any] = live.get("status", {}).get("findings", {})
    return findings


def told(operator: Operator, team: str) -> dict[str, float]:
    samples = operator.metric("mooring_findings")
    return {labels["type"]: n for labels, n in samples if labels["namespace"] == team}


def test_what_was_lost_is_told_until_it_is_deleted(world: World, operator: Operator) -> None:
    team = world.ready_workspace()
    until(lambda: found(world, team) == {"total": 0}, "a look that finds nothing")
    root = world.published(team, "models")[contract.ARTIFACT_ROOT]
    uri = decoded(world.api.get(SECRET, team, "models-mlflow-database"))[MIGRATION_URI]
    ids = mlflow(LOSE, uri, root)

    look(world, team)
    until(lambda: found(world, team).get("total"), "findings")
    types = {each["type"]: each for each in found(world, team)["types"]}
    assert found(world, team)["total"] == 5
    assert types["ModelNotReady"] == {
        "type": "ModelNotReady", "count": 2,
        "newest": [{"experiment": "prices", "run": ids[1], "detail": "upload-broke-off"},
                   {"experiment": "prices", "run": ids[0], "detail": "upload-failed"}],
    }  # fmt: skip
    assert types["ArtifactsElsewhere"]["newest"] == [
        {"experiment": "theirs", "run": ids[3], "detail": "s3://elsewhere/x"},
        {"experiment": "in-the-pod", "run": ids[2], "detail": "/home/me/mlruns"},
    ]
    assert types["ExperimentLocal"]["count"] == 1
    assert types["ExperimentLocal"]["newest"] == [
        {"experiment": "in-the-pod", "detail": "/home/me/mlruns"}
    ]
    assert told(operator, team) == {
        "ModelNotReady": 2.0, "ArtifactsElsewhere": 2.0, "ExperimentLocal": 1.0,
    }  # fmt: skip
    assert condition(world.api.get(WORKSPACE, team, "models"), "Ready")["status"] == "True"

    operator.settle()
    before, seen = world.api.writes(), operator.reconciles("MlflowWorkspace")
    until(lambda: operator.reconciles("MlflowWorkspace") > seen, "another look")
    assert world.api.writes() == before, "it costs no write to find them again"

    mlflow(CLEAN, uri, root, json.dumps(ids))
    until(lambda: found(world, team) == {"total": 0}, "nothing to be found any more")
    until(lambda: told(operator, team) == {}, "no sample")


def test_of_a_file_that_only_the_server_opens_nothing_is_said(world: World) -> None:
    small_class(world)
    team = world.namespace("team")
    world.make_workspace(team)
    world.converge(team)
    assert found(world, team) == {}

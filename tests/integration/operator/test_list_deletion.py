"""What a deletion would take along, listed for somebody who asks before he deletes."""

from typing import Any

from mooring_operator.kube import WORKSPACE
from mooring_operator.plan.deletion import LIST_ANNOTATION
from mooring_operator.stores.names import database_names
from tests.integration.operator.process import Operator
from tests.integration.operator.test_deletion_policy import write
from tests.integration.operator.test_runs_in_flight import end, start
from tests.integration.operator.test_volume import small_class
from tests.integration.operator.world import World, until
from tests.services.process import closed_port


def listed(world: World, team: str, asked: str) -> dict[str, Any]:
    """Ask for a list and return it."""
    annotations = {"metadata": {"annotations": {LIST_ANNOTATION: asked}}}
    world.api.patch(WORKSPACE, team, "models", annotations)

    def answer() -> dict[str, Any]:
        live = world.api.get(WORKSPACE, team, "models") or {}
        found: dict[str, Any] = live.get("status", {}).get("deletion", {})
        return found if found.get("asked") == asked else {}

    return until(answer, f"the list that {asked} asked for")


def test_each_request_is_answered_once(world: World, operator: Operator) -> None:
    team = world.ready_workspace()
    write(world, f"{team}/models/1/x", f"{team}/models2/x")
    start(world, team, "run-1")
    end(world, team)

    assert listed(world, team, "first") == {
        "asked": "first",
        "policy": "Retain",
        "artifacts": f"s3://mlflow-{world.id}/{team}/models",
        "objects": 1,
        "bytes": 3,
        "database": database_names(team, "models").database,
        "experiments": 2,
        "runs": 1,
    }
    write(world, f"{team}/models/1/y")
    operator.settle()
    before, looked = world.api.writes(), operator.reconciles("MlflowWorkspace")
    world.api.patch(WORKSPACE, team, "models", {"metadata": {"annotations": {"look": "again"}}})
    until(lambda: operator.reconciles("MlflowWorkspace") > looked, "another look")
    operator.settle()
    written = world.api.writes() - before
    assert written == {"PATCH mlflowworkspaces/": 1}, "the person's own"

    world.api.patch(WORKSPACE, team, "models", {"spec": {"deletionPolicy": "Delete"}})
    again = listed(world, team, "second")
    assert (again["policy"], again["objects"], again["bytes"]) == ("Delete", 2, 6)
    world.workspace_is(team, "True")


def test_what_cannot_be_counted_is_told_and_nothing_else_suffers(world: World) -> None:
    team = world.ready_workspace()
    world.edit_s3(endpoint=f"http://127.0.0.1:{closed_port()}")
    found = listed(world, team, "now")
    assert "artifactStore.s3.endpoint" in found["unknown"]
    assert found["database"] == database_names(team, "models").database
    assert "objects" not in found
    world.edit_s3(endpoint=world.versitygw.s3)
    world.workspace_is(team, "True")


def test_on_a_volume_it_names_the_claim(world: World) -> None:
    small_class(world)
    team = world.namespace("team")
    world.make_workspace(team)
    world.converge(team)
    assert listed(world, team, "now") == {
        "asked": "now",
        "policy": "Retain",
        "artifacts": f"PersistentVolumeClaim {team}/models-mlflow-data",
        "unknown": "what lies on the volume: only the tracking server can read that",
    }


def test_a_deletion_that_waits_for_runs_answers_too(world: World) -> None:
    team = world.ready_workspace(deletionPolicy="Delete")
    start(world, team, "a-long-training")
    world.api.delete(WORKSPACE, team, "models")
    world.workspace_is(team, "RunsInFlight")
    write(world, f"{team}/models/1/x")
    found = listed(world, team, "meanwhile")
    assert (found["objects"], found["runs"]) == (1, 1)
    end(world, team)
    until(lambda: world.api.get(WORKSPACE, team, "models") is None, "the workspace to be gone")

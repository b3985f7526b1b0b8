"""A suspended workspace is left alone, and can still be deleted."""

from typing import Any

from mooring.contract import AWS_ACCESS_KEY_ID, ROTATE_ANNOTATION
from mooring_operator.kube import DEPLOYMENT, WORKSPACE
from tests.integration.operator import outside
from tests.integration.operator.kubelet import fake_kubelet
from tests.integration.operator.process import Operator
from tests.integration.operator.world import World, until


def suspend(world: World, team: str, *, yes: bool) -> None:
    world.api.patch(WORKSPACE, team, "models", {"spec": {"suspend": yes}})


def image(world: World, team: str) -> str:
    live: dict[str, Any] = world.api.get(DEPLOYMENT, team, "models-mlflow") or {}
    found: str = live["spec"]["template"]["spec"]["containers"][0]["image"]
    return found


def test_nothing_is_changed_until_it_goes_on(world: World, operator: Operator) -> None:
    team = world.ready_workspace()
    before, key = image(world, team), world.published(team, "models")[AWS_ACCESS_KEY_ID]
    suspend(world, team, yes=True)
    told = world.workspace_is(team, "True", "Suspended")
    assert "spec.suspend is true" in told["message"]
    assert world.condition(WORKSPACE, team, "models", "Ready")["status"] == "True"

    world.edit_class({"server": {"image": "mooring/server:2"}})
    annotations = {ROTATE_ANNOTATION: "1"}
    world.api.patch(WORKSPACE, team, "models", {"metadata": {"annotations": annotations}})
    operator.settle()
    assert image(world, team) == before
    assert world.published(team, "models")[AWS_ACCESS_KEY_ID] == key

    suspend(world, team, yes=False)

    def goes_on() -> bool:
        fake_kubelet(world.api, team)
        return image(world, team) == "mooring/server:2"

    until(goes_on, "the new image")
    until(lambda: world.published(team, "models")[AWS_ACCESS_KEY_ID] != key, "another key")
    world.converge(team)
    assert world.condition(WORKSPACE, team, "models", "Suspended") == {}


def test_deletion_works(world: World) -> None:
    team = world.ready_workspace()
    suspend(world, team, yes=True)
    world.workspace_is(team, "True", "Suspended")
    world.api.delete(WORKSPACE, team, "models")
    until(lambda: world.api.get(WORKSPACE, team, "models") is None, "the workspace to be gone")
    assert not outside.user_exists(world, team)


def test_one_that_was_never_provisioned_gets_nothing(world: World, operator: Operator) -> None:
    world.make_class()
    team = world.namespace("team")
    world.make_workspace(team, suspend=True)
    world.workspace_is(team, "True", "Suspended")
    operator.settle()
    assert world.published(team, "models") == {}
    assert world.api.get(DEPLOYMENT, team, "models-mlflow") is None
    suspend(world, team, yes=False)
    world.converge(team)

"""Events: a transition of Ready is told once, with the reason and the message of the condition."""

from typing import Any

from mooring_operator.kube import (
    BINDING,
    CONFIG_MAP,
    EVENT,
    NAMESPACE,
    SECRET,
    WORKSPACE,
    WORKSPACE_CLASS,
)
from tests.integration.operator.process import Operator
from tests.integration.operator.world import World, until

Told = list[tuple[str, str]]


def told(world: World, namespace: str, kind: str, name: str) -> Told:
    """Type and reason of each Event about an object, in the order of their making."""
    found: list[dict[str, Any]] = [
        event
        for event in world.api.list(EVENT, namespace)
        if (event["involvedObject"]["kind"], event["involvedObject"]["name"]) == (kind, name)
    ]
    found.sort(key=lambda event: int(event["metadata"]["resourceVersion"]))
    return [(event["type"], event["reason"]) for event in found]


def edit_password(world: World, password: str) -> None:
    """Change the admin Secret in its place: without one there would be more to tell."""
    values = {"stringData": {"password": password}}
    world.api.patch(SECRET, world.platform, "database-admin", values)


def test_each_transition_is_told_once(world: World, operator: Operator) -> None:
    team = world.ready_workspace()
    world.binding_is(team, "models", "True")
    ready = ("Normal", "Ready")
    operator.settle()
    assert told(world, team, WORKSPACE.kind, "models") == [ready], "what is under way is no news"
    assert told(world, team, BINDING.kind, "models") == [ready]
    assert told(world, "default", WORKSPACE_CLASS.kind, world.class_name) == [ready]

    edit_password(world, "not the password")
    wrong = world.workspace_is(team, "WrongCredentials")
    seen = operator.reconciles("MlflowWorkspace")
    until(lambda: operator.reconciles("MlflowWorkspace") >= seen + 3, "it to be tried again")
    warned = [ready, ("Warning", "WrongCredentials")]
    assert told(world, team, WORKSPACE.kind, "models") == warned
    [warning] = [e for e in world.api.list(EVENT, team) if e["type"] == "Warning"]
    assert warning["message"] == wrong["message"]

    edit_password(world, world.postgresql.password)
    world.workspace_is(team, "True")
    until(lambda: told(world, team, WORKSPACE.kind, "models") == [*warned, ready], "the last event")


def test_a_namespace_that_ends_takes_no_events_and_nothing_is_held_up(
    world: World, operator: Operator
) -> None:
    team = world.ready_workspace()
    world.secret(team, "kept", {"key": "value"})
    # nothing removes the content of namespaces here, so this one goes on ending
    world.api.delete(NAMESPACE, "", team)
    world.database_admin("not the password")
    world.workspace_is(team, "WrongCredentials")
    world.database_admin(world.postgresql.password)
    world.workspace_is(team, "True")
    assert [event["type"] for event in world.api.list(EVENT, team)].count("Warning") == 0
    assert "an event was not taken" not in operator.log.read_text()
    assert world.api.get(CONFIG_MAP, team, "models-mlflow")
    assert world.api.get(SECRET, team, "models-mlflow")

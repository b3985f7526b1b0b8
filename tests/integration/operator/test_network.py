"""The NetworkPolicy of a tracking server follows its bindings and its class."""

import pytest

from mooring_operator.kube import BINDING, NETWORK_POLICY, SECRET, WORKSPACE
from mooring_operator.plan.auth import users_in
from mooring_operator.plan.network import NAMESPACE_LABEL
from tests.integration.operator.world import World, decoded, until
from tests.services.process import closed_port


def admitted(world: World, namespace: str) -> list[str]:
    """Names of the namespaces whose pods the policy lets in."""
    live = world.api.get(NETWORK_POLICY, namespace, "models-mlflow")
    assert live is not None
    first = live["spec"]["ingress"][0]["from"][0]["namespaceSelector"]["matchExpressions"][0]
    assert first["key"] == NAMESPACE_LABEL
    return list(first["values"])


def test_the_policy_follows_the_bindings(world: World) -> None:
    team, guests = world.ready_workspace(), world.namespace("guests")
    assert admitted(world, team) == ["airflow", team], "the class names Airflow as a launcher"
    world.make_binding(guests, "guest", "models", team)
    world.binding_is(guests, "guest", "NotAdmitted")
    assert admitted(world, team) == ["airflow", team]

    allowed = {"spec": {"allowedNamespaces": {"from": "All"}}}
    world.api.patch(WORKSPACE, team, "models", allowed)
    until(lambda: admitted(world, team) == ["airflow", guests, team], "the guests")
    world.api.delete(BINDING, guests, "guest")
    until(lambda: admitted(world, team) == ["airflow", team], "the guests to go")


def test_the_class_opens_it_and_switches_it_off(world: World) -> None:
    team = world.ready_workspace()
    ingress = {"matchLabels": {"role": "ingress"}}
    world.edit_class({"networkPolicy": {"alsoFrom": [ingress]}})

    def opened() -> bool:
        live = world.api.get(NETWORK_POLICY, team, "models-mlflow")
        rule = live["spec"]["ingress"][0] if live else {"from": []}
        return {"namespaceSelector": ingress} in rule["from"]

    until(opened, "the ingress to be let in")
    world.edit_class({"networkPolicy": {"enabled": False}})
    until(lambda: not world.api.list(NETWORK_POLICY, team), "the policy to go")
    world.edit_class({"networkPolicy": {"enabled": True}})
    until(opened, "the policy to be back")


@pytest.mark.parametrize("blocked", ["database", "store"])
def test_a_namespace_is_shut_out_also_while_something_else_is_blocked(
    world: World, blocked: str
) -> None:
    team = world.ready_workspace(allowedNamespaces={"from": "All"}, auth={"basic": {}})
    guests = world.namespace("guests")
    world.make_binding(guests, "guest", "models", team)
    world.binding_is(guests, "guest", "True")
    until(lambda: admitted(world, team) == ["airflow", guests, team], "the guests")
    assert f"{guests}/guest" in users(world, team)

    try:
        if blocked == "database":
            world.edit_postgresql(port=closed_port())
            world.workspace_is(team, "Unreachable", "DatabaseReady")
        else:
            world.edit_s3(iam={"endpoint": f"http://127.0.0.1:{closed_port()}"})
            world.workspace_is(team, "Unreachable", "ArtifactStoreReady")
        same = {"spec": {"allowedNamespaces": {"from": "Same"}}}
        world.api.patch(WORKSPACE, team, "models", same)

        until(lambda: admitted(world, team) == ["airflow", team], "the guests to be shut out")
        until(lambda: f"{guests}/guest" not in users(world, team), "their user to go")
        world.binding_is(guests, "guest", "NotAdmitted")
        assert world.published(guests, "guest") == {}
        assert world.launchers(guests, "guest") == []
    finally:
        world.edit_postgresql(port=world.postgresql.port)
        world.edit_s3(iam={"endpoint": world.versitygw.iam})


def users(world: World, team: str) -> set[str]:
    """Names of the users that the tracking server admits."""
    held = users_in(decoded(world.api.get(SECRET, team, "models-mlflow-auth")))
    return set(held.admitted) if held else set()

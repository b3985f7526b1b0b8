"""Bindings of other namespaces: admitted, published, trusted, and withdrawn again."""

from typing import Any

from mooring import contract
from mooring_operator.kube import BINDING, NAMESPACE, WORKSPACE
from tests.integration.operator import outside
from tests.integration.operator.world import World, until


def allow(world: World, namespace: str, allowed: dict[str, Any]) -> None:
    world.api.patch(WORKSPACE, namespace, "models", {"spec": {"allowedNamespaces": allowed}})


def withdrawn(world: World, namespace: str) -> bool:
    live = world.api.get(BINDING, namespace, "guest") or {}
    return not world.published(namespace, "guest") and "pod" not in live["status"]


def subjects(*namespaces: str) -> list[str]:
    return sorted(f"system:serviceaccount:{namespace}:*" for namespace in namespaces)


def test_another_namespace_is_refused_until_it_is_admitted(world: World) -> None:
    team, guests = world.ready_workspace(), world.namespace("guests")
    world.make_binding(guests, "guest", "models", team)
    found = world.binding_is(guests, "guest", "NotAdmitted", "Accepted")
    assert f"MlflowWorkspace {team}/models does not admit namespace '{guests}'" in found["message"]
    assert "spec.allowedNamespaces.from is 'Same'" in found["message"]
    assert withdrawn(world, guests)

    allow(world, team, {"from": "All"})
    world.binding_is(guests, "guest", "True")
    environment = world.published(guests, "guest")
    assert (environment[contract.NAMESPACE], environment[contract.BINDING]) == (guests, "guest")
    assert environment[contract.TRACKING_URI] == f"http://models-mlflow.{team}.svc:5000"
    assert outside.put(world, environment, f"{team}/models") == "OK"

    allow(world, team, {"from": "Same"})
    world.binding_is(guests, "guest", "NotAdmitted")
    assert withdrawn(world, guests)
    assert world.published(team, "models"), "the workspace's own namespace goes on"


def test_the_role_trusts_the_admitted_namespaces_and_no_other(world: World) -> None:
    outside.register_issuer(world)
    team = world.ready_workspace(credentials="WorkloadIdentity")
    guests = world.namespace("guests")
    world.make_binding(guests, "guest", "models", team)
    world.binding_is(guests, "guest", "NotAdmitted")
    assert outside.trusted(world, team) == subjects(team), "its pods could not assume the role"

    allow(world, team, {"from": "All"})
    world.binding_is(guests, "guest", "True")
    assert outside.trusted(world, team) == subjects(team, guests)
    bound = world.published(guests, "guest")[contract.AWS_ROLE_ARN]
    assert bound == world.published(team, "models")[contract.AWS_ROLE_ARN]

    world.api.delete(BINDING, guests, "guest")
    until(lambda: outside.trusted(world, team) == subjects(team), "the trust to be taken back")


def test_a_selector_follows_the_labels_of_the_namespace(world: World) -> None:
    team, guests = world.ready_workspace(), world.namespace("guests", tier="gold")
    allow(world, team, {"from": "Selector", "selector": {"matchLabels": {"tier": "silver"}}})
    world.make_binding(guests, "guest", "models", team)
    world.binding_is(guests, "guest", "NotAdmitted")

    world.api.patch(NAMESPACE, "", guests, {"metadata": {"labels": {"tier": "silver"}}})
    world.binding_is(guests, "guest", "True")

    world.api.patch(NAMESPACE, "", guests, {"metadata": {"labels": {"tier": "gold"}}})
    world.binding_is(guests, "guest", "NotAdmitted")
    assert withdrawn(world, guests)


def test_a_binding_that_turns_to_another_workspace_takes_nothing_along(world: World) -> None:
    team, guests = world.ready_workspace(), world.namespace("guests")
    allow(world, team, {"from": "All"})
    world.make_binding(guests, "guest", "models", team)
    world.binding_is(guests, "guest", "True")
    world.api.patch(BINDING, guests, "guest", {"spec": {"workspaceRef": {"name": "other"}}})
    world.binding_is(guests, "guest", "WorkspaceNotFound")
    assert withdrawn(world, guests)


def test_a_second_binding_in_the_same_namespace(world: World) -> None:
    team = world.ready_workspace()
    world.make_binding(team, "guest", "models", team)
    world.binding_is(team, "guest", "True")
    experiments = [world.published(team, name)[contract.EXPERIMENT_NAME]
                   for name in ("models", "guest")]  # fmt: skip
    assert experiments == ["models", "guest"]
    world.edit_class({"guard": {"image": "mooring/runtime:2"}})
    until(lambda: guard(world, team, "guest") == "mooring/runtime:2", "the new guard")


def guard(world: World, namespace: str, name: str) -> str:
    live = world.api.get(BINDING, namespace, name) or {}
    return str(live["status"]["pod"]["initContainers"][0]["image"])

"""A workspace asks for a version of MLflow that its class offers, or follows it."""

from typing import Any

from mooring_operator.kube import DEPLOYMENT, JOB, WORKSPACE
from tests.integration.operator.world import World, until

OFFERED = [
    {"version": "3.11.1", "image": "mooring/server:3.11"},
    {"version": "3.17.2", "image": "mooring/server:3.17"},
]


def team(world: World, name: str, **server: Any) -> str:
    """A ready workspace in a namespace of its own."""
    namespace = world.namespace(name)
    world.make_workspace(namespace, server=server)
    world.converge(namespace)
    return namespace


def images(world: World, namespace: str) -> set[str]:
    """Of the server and its Jobs."""
    found = world.api.list(DEPLOYMENT, namespace) + world.api.list(JOB, namespace)
    return {each["spec"]["template"]["spec"]["containers"][0]["image"] for each in found}


def until_it_has(world: World, namespace: str, image: str) -> None:
    """Play the kubelet until the server and its Jobs have the image, and nothing has another."""

    def look() -> bool:
        world.converge(namespace)
        return images(world, namespace) == {image}

    until(look, image)


def test_each_workspace_has_the_version_that_it_asks_for(world: World) -> None:
    world.make_class()
    world.edit_class({"server": {"versions": OFFERED}})
    older, newer = team(world, "older", version="3.11.1"), team(world, "newer", version="3.17.2")
    follower = team(world, "follower")
    assert images(world, older) == {"mooring/server:3.11"}
    assert images(world, newer) == {"mooring/server:3.17"}
    assert images(world, follower) == {"mooring/server:1"}

    world.edit_class({"server": {"image": "mooring/server:2"}})
    until_it_has(world, follower, "mooring/server:2")
    assert images(world, older) == {"mooring/server:3.11"}

    rebuilt = [OFFERED[0] | {"image": "mooring/server:3.11-a"}, OFFERED[1]]
    world.edit_class({"server": {"versions": rebuilt}})
    until_it_has(world, older, "mooring/server:3.11-a")
    assert images(world, newer) == {"mooring/server:3.17"}


def test_a_version_that_the_class_lacks_changes_nothing(world: World) -> None:
    namespace = world.ready_workspace()
    world.api.patch(WORKSPACE, namespace, "models", {"spec": {"server": {"version": "3.16.1"}}})
    found = world.workspace_is(namespace, "VersionNotOffered", "ServerAvailable")
    for part in (f"MlflowWorkspace {namespace}/models, spec.server.version: found 3.16.1",
                 f"MlflowWorkspaceClass {world.class_name} offers none"):  # fmt: skip
        assert part in found["message"]
    assert world.workspace_is(namespace, "False")["reason"] == "VersionNotOffered"
    assert images(world, namespace) == {"mooring/server:1"}, "the server goes on as it is"

    world.edit_class({"server": {"versions": OFFERED}})
    until(
        lambda: "offers 3.11.1, 3.17.2;" in world.workspace_is(namespace, "False")["message"],
        "the versions that there are",
    )
    world.api.patch(WORKSPACE, namespace, "models", {"spec": {"server": {"version": "3.17.2"}}})
    until_it_has(world, namespace, "mooring/server:3.17")


def test_a_version_that_went_does_not_hold_a_deletion_up(world: World) -> None:
    world.make_class()
    world.edit_class({"server": {"versions": OFFERED}})
    namespace = team(world, "team", version="3.11.1")
    world.edit_class({"server": {"versions": []}})
    world.workspace_is(namespace, "VersionNotOffered")
    world.api.delete(WORKSPACE, namespace, "models")
    until(lambda: world.api.get(WORKSPACE, namespace, "models") is None, "the workspace to go")

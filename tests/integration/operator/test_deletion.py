"""The end of a workspace: its credentials are worth nothing any more, its data stays."""

import psycopg
import pytest

from mooring_operator.kube import BINDING, WORKSPACE
from tests.integration.operator import outside
from tests.integration.operator.world import World, until
from tests.services.process import free_port


def gone(world: World, namespace: str) -> bool:
    return world.api.get(WORKSPACE, namespace, "models") is None


def test_credentials_are_revoked_and_data_stays(world: World) -> None:
    team = world.ready_workspace()
    environment = world.published(team, "models")
    assert outside.put(world, environment, f"{team}/models") == "OK"
    assert outside.login(world, team)
    assert len(outside.logins(world, team)) == 2

    world.api.delete(WORKSPACE, team, "models")

    until(lambda: gone(world, team), "the workspace to be gone")
    assert outside.put(world, environment, f"{team}/models") == "InvalidAccessKeyId"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        outside.login(world, team)
    assert not outside.user_exists(world, team)
    assert outside.logins(world, team) == []
    assert outside.databases(world, team), "runs stay"
    assert outside.objects(world, f"{team}/models") == [f"{team}/models/artifact"]


def test_a_role_goes_with_its_workspace(world: World) -> None:
    outside.register_issuer(world)
    team = world.ready_workspace(credentials="WorkloadIdentity")
    assert outside.role_exists(world, team)
    world.api.delete(WORKSPACE, team, "models")
    until(lambda: gone(world, team), "the workspace to be gone")
    assert not outside.role_exists(world, team)


def test_bindings_are_withdrawn(world: World) -> None:
    team, guests = world.ready_workspace(), world.namespace("guests")
    everyone = {"spec": {"allowedNamespaces": {"from": "All"}}}
    world.api.patch(WORKSPACE, team, "models", everyone)
    world.make_binding(guests, "guest", "models", team)
    world.binding_is(guests, "guest", "True")
    world.api.delete(WORKSPACE, team, "models")
    world.binding_is(guests, "guest", "WorkspaceNotFound")
    assert world.published(guests, "guest") == {}
    live = world.api.get(BINDING, guests, "guest") or {}
    assert "pod" not in live["status"]


@pytest.mark.parametrize("broken", ["store", "database", "class"])
def test_a_blocked_deletion_says_why_and_goes_on_by_itself(world: World, broken: str) -> None:
    team = world.ready_workspace()
    sentence = {
        "store": "artifactStore.s3.iam.endpoint",
        "database": "backendStore.postgresql",
        "class": "there is no MlflowWorkspaceClass",
    }
    breaking = {
        "store": lambda: world.edit_s3(iam={"endpoint": f"http://127.0.0.1:{free_port()}"}),
        "database": lambda: world.edit_postgresql(port=free_port()),
        "class": world.drop_class,
    }
    mending = {
        "store": lambda: world.edit_s3(iam={"endpoint": world.versitygw.iam}),
        "database": lambda: world.edit_postgresql(port=world.postgresql.port),
        "class": lambda: world.api.create(world.class_manifest()),
    }
    breaking[broken]()
    world.api.delete(WORKSPACE, team, "models")

    found = world.workspace_is(team, "DeletionBlocked")
    assert "credentials cannot be revoked" in found["message"]
    assert sentence[broken] in found["message"]
    if broken == "store":
        assert outside.logins(world, team) == [], "what can be revoked is"
    if broken == "database":
        assert not outside.user_exists(world, team)

    mending[broken]()
    until(lambda: gone(world, team), "the workspace to be gone")
    assert not outside.user_exists(world, team)
    assert outside.logins(world, team) == []


def test_a_workspace_that_never_got_anything_goes_at_once(world: World) -> None:
    team = world.namespace("team")
    world.make_workspace(team)
    world.workspace_is(team, "ClassNotFound")
    world.api.delete(WORKSPACE, team, "models")
    until(lambda: gone(world, team), "the workspace to be gone", 2)

"""The end of a workspace: its credentials are worth nothing any more, its data stays."""

from collections.abc import Callable
from dataclasses import dataclass

import psycopg
import pytest

from mooring_operator.kube import BINDING, EVENT, WORKSPACE
from mooring_operator.plan.deletion import FORCE_ANNOTATION
from mooring_operator.stores.names import database_names, identity
from tests.integration.operator import outside
from tests.integration.operator.process import Operator
from tests.integration.operator.world import World, until
from tests.services.process import closed_port


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


@dataclass(frozen=True)
class Fault:
    """What keeps credentials from being revoked, what is said, and how it is put right."""

    name: str
    spoil: Callable[[World], object]
    told: str
    """The place to put right."""
    mend: Callable[[World], object]


def drop_class(world: World) -> None:
    """Have the class gone, and the operator know of it before anything else happens."""
    world.drop_class()
    world.workspace_is(f"team-{world.id}", "ClassNotFound")


FAULTS = (
    Fault(
        "store",
        lambda world: world.edit_s3(iam={"endpoint": f"http://127.0.0.1:{closed_port()}"}),
        "artifactStore.s3.iam.endpoint",
        lambda world: world.edit_s3(iam={"endpoint": world.versitygw.iam}),
    ),
    Fault(
        "database",
        lambda world: world.edit_postgresql(port=closed_port()),
        "backendStore.postgresql",
        lambda world: world.edit_postgresql(port=world.postgresql.port),
    ),
    Fault(
        "class",
        drop_class,
        "there is no MlflowWorkspaceClass",
        lambda world: world.api.create(world.class_manifest()),
    ),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_blocked_deletion_says_why_and_goes_on_by_itself(world: World, fault: Fault) -> None:
    team = world.ready_workspace()
    fault.spoil(world)
    world.api.delete(WORKSPACE, team, "models")

    found = world.workspace_is(team, "DeletionBlocked")
    assert fault.told in found["message"]
    if fault.name == "store":
        assert "credentials cannot be revoked" in found["message"]
        assert outside.logins(world, team) == [], "what can be revoked is"
    if fault.name == "database":
        assert "whether runs are in flight cannot be told" in found["message"]
        assert outside.user_exists(world, team), "a run may go on without its database for a while"

    fault.mend(world)
    until(lambda: gone(world, team), "the workspace to be gone")
    assert not outside.user_exists(world, team)
    assert outside.logins(world, team) == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_deletion_that_is_forced_says_what_it_leaves(
    world: World, operator: Operator, fault: Fault
) -> None:
    team = world.ready_workspace()
    fault.spoil(world)
    world.api.delete(WORKSPACE, team, "models")
    found = world.workspace_is(team, "DeletionBlocked")
    assert f"kubectl annotate -n {team} mlw/models {FORCE_ANNOTATION}=true" in found["message"]

    annotations = {"metadata": {"annotations": {FORCE_ANNOTATION: "true"}}}
    world.api.patch(WORKSPACE, team, "models", annotations)

    if fault.name == "class":
        assert "make it again as it was" in found["message"]

    until(lambda: gone(world, team), "the workspace to be gone")
    [line] = [each for each in operator.log.read_text().splitlines()
              if "deletion forced" in each and team in each]  # fmt: skip
    assert fault.told in line
    revoked = fault.name == "store"
    assert (database_names(team, "models").runtime in line) is not revoked, "only what is left"
    [event] = [e for e in world.api.list(EVENT, team) if e["reason"] == "DeletionForced"]
    assert event["type"] == "Warning"
    assert fault.told in event["message"]
    assert identity(team, "models") in event["message"]
    if fault.name == "database":
        assert not outside.user_exists(world, team), "what can be revoked is"


def test_a_workspace_that_never_got_anything_goes_at_once(world: World) -> None:
    team = world.namespace("team")
    world.make_workspace(team)
    world.workspace_is(team, "ClassNotFound")
    world.api.delete(WORKSPACE, team, "models")
    until(lambda: gone(world, team), "the workspace to be gone")

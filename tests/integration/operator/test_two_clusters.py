"""Two clusters use one database server and one bucket, and have a workspace of the same name."""

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from kubernetes import client

from mooring.contract import AWS_ACCESS_KEY_ID
from mooring_operator.kube import EVENT, WORKSPACE
from mooring_operator.stores.names import database_names, identity
from mooring_operator.stores.policies import POLICY_NAME
from tests.cluster.apiserver import api_server
from tests.integration.operator import outside
from tests.integration.operator.api import Api
from tests.integration.operator.conftest import admin_of
from tests.integration.operator.process import Operator, least_privilege
from tests.integration.operator.world import CHILDREN, World, until
from tests.integration.stores.s3_client import OK, admin

DELETE = {"deletionPolicy": "Delete"}
OTHER = "OtherCluster"


@pytest.fixture(scope="module")
def other_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A second cluster, with its own operator."""
    folder = tmp_path_factory.mktemp("other")
    with ExitStack() as stack:
        server = stack.enter_context(api_server())
        connected = admin_of(server)
        api = Api(connected)
        kubeconfig = least_privilege(server, api, client.CoreV1Api(connected), folder)
        operator = Operator(kubeconfig, folder / "operator.log")
        operator.start()
        stack.callback(operator.stop)
        yield api


@pytest.fixture
def namesake(world: World, other_cluster: Api) -> Iterator[World]:
    """The same names in the second cluster."""
    with closing(World(other_cluster, world.postgresql, world.versitygw, id=world.id)) as other:
        yield other


def gone(world: World, team: str) -> bool:
    return world.api.get(WORKSPACE, team, "models") is None


def mark(world: World, team: str) -> list[str]:
    """The comment of the role that owns the workspace's database."""
    query = (
        "SELECT coalesce(shobj_description(oid, 'pg_authid'), '') FROM pg_roles"
        " WHERE rolname = ANY(%s)"
    )
    return outside.ask(world, query, [database_names(team, "models").owner])


def unmark(world: World, team: str) -> None:
    """Take off what marks the workspace's user and database, as a person does."""
    outside.execute(world, "COMMENT ON ROLE {} IS NULL", database_names(team, "models").owner)
    iam = admin(outside.connection(world), "iam")
    iam.delete_user_policy(UserName=identity(team, "models"), PolicyName=POLICY_NAME)


def test_a_namesake_gets_nothing_of_it_and_takes_nothing_along(
    world: World, namesake: World
) -> None:
    team = world.ready_workspace()
    published, login = world.published(team, "models"), outside.passwords(world, team)
    assert outside.put(world, published, f"{team}/models") == OK

    namesake.make_class()
    namesake.namespace("team")
    namesake.make_workspace(team, **DELETE)
    store = namesake.workspace_is(team, OTHER, "ArtifactStoreReady")
    database = namesake.workspace_is(team, OTHER, "DatabaseReady")
    assert f"user {identity(team, 'models')}" in store["message"]
    owner = database_names(team, "models").owner
    assert f'COMMENT ON ROLE "{owner}" IS NULL' in database["message"]
    assert namesake.published(team, "models") == {}

    namesake.api.delete(WORKSPACE, team, "models")
    until(lambda: gone(namesake, team), "the namesake to be gone")
    [event] = [e for e in namesake.api.list(EVENT, team) if e["reason"] == OTHER
               and "what was left alone" in e["message"]]  # fmt: skip
    assert owner in event["message"]

    assert outside.objects(world, f"{team}/models") == [f"{team}/models/artifact"]
    assert outside.put(world, published, f"{team}/models") == OK, "its key works on"
    assert outside.passwords(world, team) == login
    assert outside.login(world, team), "its server gets in"
    assert outside.databases(world, team)


def test_what_is_kept_stays_the_clusters_own(world: World, namesake: World) -> None:
    team = world.ready_workspace()
    assert outside.put(world, world.published(team, "models"), f"{team}/models") == OK
    world.api.delete(WORKSPACE, team, "models")
    until(lambda: gone(world, team), "the workspace to be gone")
    for kind in CHILDREN:
        # in place of a cluster's garbage collector
        world.api.clear(kind, team)

    namesake.make_class()
    namesake.namespace("team")
    namesake.make_workspace(team, **DELETE)
    namesake.workspace_is(team, OTHER, "DatabaseReady")
    namesake.api.delete(WORKSPACE, team, "models")
    until(lambda: gone(namesake, team), "the namesake to be gone")
    assert outside.objects(world, f"{team}/models") == [f"{team}/models/artifact"]
    assert outside.databases(world, team)

    world.make_workspace(team)
    world.converge(team)
    assert outside.login(world, team), "made again, it has its data back"


def test_one_that_was_made_before_there_were_marks_is_marked(world: World, namesake: World) -> None:
    team = world.ready_workspace()
    [before] = mark(world, team)
    assert before.startswith("mooring.dev/cluster=")
    key = world.published(team, "models")[AWS_ACCESS_KEY_ID]
    unmark(world, team)
    world.edit_class({"server": {"workers": 2}})
    until(lambda: mark(world, team) == [before], "the mark to be back")
    world.converge(team)
    assert outside.key_ids(world, team) == [key]

    # a cluster that is no more: its workspace is handed over
    namesake.make_class()
    namesake.namespace("team")
    namesake.make_workspace(team)
    namesake.workspace_is(team, OTHER, "DatabaseReady")
    world.api.patch(WORKSPACE, team, "models", {"spec": {"suspend": True}})
    world.workspace_is(team, "True", "Suspended")
    unmark(world, team)
    namesake.converge(team)
    assert outside.login(namesake, team)
    assert mark(world, team) != [before]

"""deletionPolicy: what stays of a workspace, and what goes with it for good."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from mooring_operator.api.azure import container_name
from mooring_operator.kube import EVENT, PERSISTENT_VOLUME_CLAIM, WORKSPACE
from mooring_operator.plan.deletion import FORCE_ANNOTATION
from mooring_operator.stores.names import database_names
from tests.integration.operator import outside
from tests.integration.operator.test_cloud_stores import azure_world, gcs_world
from tests.integration.operator.test_existing import artifacts, store_secret
from tests.integration.operator.test_volume import claim, small_class
from tests.integration.operator.world import World, until
from tests.integration.stores.azure_client import OK, outcome
from tests.integration.stores.azure_client import client as azure_client
from tests.integration.stores.s3_client import admin
from tests.services.azurite import Azurite
from tests.services.fakegcs import FakeGcs
from tests.services.fixtures import azurite_service, fakegcs_service
from tests.services.process import closed_port

__all__ = ["azure_world", "azurite_service", "fakegcs_service", "gcs_world"]

DELETE = {"deletionPolicy": "Delete"}


def gone(world: World, namespace: str, name: str = "models") -> bool:
    return world.api.get(WORKSPACE, namespace, name) is None


def delete(world: World, namespace: str, name: str = "models") -> None:
    """Delete a workspace and wait for its end."""
    world.api.delete(WORKSPACE, namespace, name)
    until(lambda: gone(world, namespace, name), "the workspace to be gone")


def write(world: World, *keys: str) -> None:
    """Have the class's bucket hold these objects, three bytes each."""
    store = outside.connection(world)
    for key in keys:
        admin(store).put_object(Bucket=store.bucket, Key=key, Body=b"123")


def policy(world: World, namespace: str, wanted: str | None) -> None:
    world.api.patch(WORKSPACE, namespace, "models", {"spec": {"deletionPolicy": wanted}})


def roles(world: World, namespace: str) -> list[str]:
    """Every role that the database server still has for the workspace."""
    names = database_names(namespace, "models")
    query = "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) ORDER BY 1"
    return outside.ask(world, query, [names.owner, names.access, *names.logins])


@contextmanager
def inside(world: World, database: str) -> Iterator[None]:
    """Have somebody be in a database, as a person with psql is."""
    server = world.postgresql
    with psycopg.connect(
        host=server.host, port=server.port, user=server.username, password=server.password,
        dbname=database,
    ):  # fmt: skip
        yield


def test_nothing_of_it_is_left_and_everything_of_its_neighbours(world: World) -> None:
    team = world.ready_workspace(**DELETE)
    sibling = world.namespace_named(f"{team}2")
    for namespace, name in ((team, "models2"), (sibling, "models")):
        world.make_workspace(namespace, name)
        world.converge(namespace, name)
    write(world, f"{team}/models/1/x", f"{team}/models2/1/x", f"{sibling}/models/1/x")

    delete(world, team)

    assert outside.objects(world, f"{team}/models") == []
    assert outside.databases(world, team) == []
    assert roles(world, team) == []
    assert not outside.user_exists(world, team)
    for namespace, name in ((team, "models2"), (sibling, "models")):
        assert outside.objects(world, f"{namespace}/{name}") == [f"{namespace}/{name}/1/x"]
        assert outside.databases(world, namespace, name)
        assert outside.login(world, namespace, name), "its server still gets in"
        assert outside.user_exists(world, namespace, name)


@pytest.mark.parametrize(
    ("of_class", "own", "stays"),
    [(None, None, True), ("Delete", None, False), ("Delete", "Retain", True)],
)
def test_the_workspace_has_the_word_and_else_its_class(
    world: World, of_class: str | None, own: str | None, stays: bool
) -> None:
    team = world.ready_workspace()
    if of_class:
        world.edit_class({"deletionPolicy": of_class})
    if own:
        policy(world, team, own)
    write(world, f"{team}/models/x")
    delete(world, team)
    assert bool(outside.objects(world, f"{team}/models")) is stays
    assert bool(outside.databases(world, team)) is stays


def test_what_goes_is_told_before_it_goes(world: World) -> None:
    team = world.ready_workspace(**DELETE)
    write(world, f"{team}/models/1/x", f"{team}/models/2/y")
    world.edit_s3(iam={"endpoint": f"http://127.0.0.1:{closed_port()}"})
    world.api.delete(WORKSPACE, team, "models")

    found = world.workspace_is(team, "DeletionBlocked")

    assert "credentials cannot be revoked" in found["message"]
    live = world.api.get(WORKSPACE, team, "models") or {}
    told = live["status"]["deletion"]
    assert told == {
        "asked": live["metadata"]["deletionTimestamp"],
        "policy": "Delete",
        "artifacts": f"s3://mlflow-{world.id}/{team}/models",
        "objects": 2,
        "bytes": 6,
        "database": database_names(team, "models").database,
    }
    assert len(outside.objects(world, f"{team}/models")) == 2, "credentials go first"
    until(lambda: [e for e in world.api.list(EVENT, team) if e["reason"] == "Deleting"], "an Event")
    [event] = [e for e in world.api.list(EVENT, team) if e["reason"] == "Deleting"]
    assert f"s3://mlflow-{world.id}/{team}/models with 2 objects of 6 bytes" in event["message"]

    world.edit_s3(iam={"endpoint": world.versitygw.iam})
    until(lambda: gone(world, team), "the workspace to be gone")
    assert outside.objects(world, f"{team}/models") == []


def test_a_database_that_somebody_is_in_is_waited_for(world: World) -> None:
    team = world.ready_workspace(**DELETE)
    write(world, f"{team}/models/x")
    with inside(world, database_names(team, "models").database):
        world.api.delete(WORKSPACE, team, "models")
        found = world.workspace_is(team, "DeletionBlocked")
        assert "database cannot be removed" in found["message"]
        assert "other session" in found["message"]
        assert outside.databases(world, team)
    until(lambda: gone(world, team), "the workspace to be gone")
    assert outside.databases(world, team) == []


def test_a_second_thought_keeps_what_is_left(world: World) -> None:
    team = world.ready_workspace(**DELETE)
    with inside(world, database_names(team, "models").database):
        world.api.delete(WORKSPACE, team, "models")
        world.workspace_is(team, "DeletionBlocked")
        policy(world, team, "Retain")
        until(lambda: gone(world, team), "the workspace to be gone")
    assert outside.databases(world, team)


def test_a_store_that_does_not_answer_loses_nothing_and_can_be_left(world: World) -> None:
    team = world.ready_workspace(**DELETE)
    write(world, f"{team}/models/x")
    world.edit_s3(endpoint=f"http://127.0.0.1:{closed_port()}")
    world.api.delete(WORKSPACE, team, "models")
    found = world.workspace_is(team, "DeletionBlocked")
    assert "cannot be listed, so it does not go" in found["message"]
    assert "artifactStore.s3.endpoint" in found["message"]
    assert outside.user_exists(world, team)
    assert outside.databases(world, team)

    forced = {"metadata": {"annotations": {FORCE_ANNOTATION: "true"}}}
    world.api.patch(WORKSPACE, team, "models", forced)
    until(lambda: gone(world, team), "the workspace to be gone")

    [event] = [e for e in world.api.list(EVENT, team) if e["reason"] == "DeletionForced"]
    assert f"what is left in s3://mlflow-{world.id}/{team}/models" in event["message"]
    assert outside.objects(world, f"{team}/models") == [f"{team}/models/x"]
    assert outside.databases(world, team) == [], "what can be removed is"
    assert not outside.user_exists(world, team)


def test_artifacts_that_another_workspace_keeps_there_are_not_taken_along(world: World) -> None:
    team = world.ready_workspace(**DELETE)
    guests = world.namespace("guests")
    store_secret(world, guests)
    place = f"s3://mlflow-{world.id}/{team}/models/theirs"
    world.make_workspace(guests, artifactStore=artifacts(place))
    write(world, f"{team}/models/mine", f"{team}/models/theirs/x")
    world.api.delete(WORKSPACE, team, "models")

    found = world.workspace_is(team, "DeletionBlocked")

    assert f"MlflowWorkspace {guests}/models keeps its artifacts below" in found["message"]
    assert len(outside.objects(world, f"{team}/models")) == 2
    delete(world, guests)
    until(lambda: gone(world, team), "the workspace to be gone")
    assert outside.objects(world, f"{team}/models") == []


@pytest.mark.parametrize("wanted", ["Retain", "Delete"])
def test_a_volume(world: World, wanted: str) -> None:
    small_class(world, deletionPolicy=wanted)
    team = world.namespace("team")
    world.make_workspace(team)
    world.converge(team)
    assert claim(world, team)
    delete(world, team)
    # nothing here takes the finalizer off that guards a claim while pods use it
    volume = world.api.get(PERSISTENT_VOLUME_CLAIM, team, "models-mlflow-data")
    stays = volume is not None and "deletionTimestamp" not in volume["metadata"]
    assert stays is (wanted == "Retain")


def test_azure_a_container_goes_and_its_neighbour_stays(
    azure_world: World, azurite_service: Azurite
) -> None:
    world, team = azure_world, azure_world.namespace("team")
    for name, spec in (("models", DELETE), ("models2", {})):
        world.make_workspace(team, name, **spec)
        world.binding_is(team, name, "True")

    def container(name: str) -> Any:
        return azure_client(azurite_service.connection_string(), container_name(team, name))

    for name in ("models", "models2"):
        container(name).upload_blob("x", b"weights")
    delete(world, team)
    assert outcome(container("models").list_blobs) == "ContainerNotFound"
    assert outcome(container("models2").download_blob, "x") == OK


def test_google_a_prefix_goes_and_its_neighbour_stays(
    gcs_world: World, fakegcs_service: FakeGcs
) -> None:
    world, team = gcs_world, gcs_world.namespace("team")
    bucket = f"mlflow-{world.id}"
    world.make_workspace(team, **DELETE)
    world.binding_is(team, "models", "True")
    for name in (f"{team}/models/x", f"{team}/models2/x", f"{team}2/models/x"):
        fakegcs_service.upload(bucket, name, b"weights")
    delete(world, team)
    assert fakegcs_service.names(bucket) == [f"{team}/models2/x", f"{team}2/models/x"]

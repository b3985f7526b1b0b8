"""Stores of a team's own, by Secrets in its namespace."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from mooring import contract
from mooring_operator.kube import JOB, WORKSPACE
from tests.integration.operator import outside
from tests.integration.operator.api import Refused
from tests.integration.operator.kubelet import fail
from tests.integration.operator.test_volume import small_class
from tests.integration.operator.world import World, until
from tests.integration.stores.s3_client import OK, admin


def bucket(world: World) -> str:
    """Make the team's bucket; the URI of a prefix in it."""
    store = outside.connection(world)
    admin(store).create_bucket(Bucket=store.bucket)
    return f"s3://{store.bucket}/theirs"


def store_secret(world: World, namespace: str, **values: str) -> None:
    service = world.versitygw
    key = {contract.AWS_ACCESS_KEY_ID: service.access_key_id,
           contract.AWS_SECRET_ACCESS_KEY: service.secret_access_key,
           contract.S3_ENDPOINT_URL: service.s3}  # fmt: skip
    world.secret(namespace, "their-store", {**key, **values})


def artifacts(uri: str) -> dict[str, object]:
    return {"existing": {"uri": uri, "secretRef": {"name": "their-store"}}}


BACKEND = {"existing": {"secretRef": {"name": "their-database"}}}


@contextmanager
def database(world: World) -> Iterator[str]:
    """A database of the team's own; its URI."""
    server, name = world.postgresql, f"theirs_{world.id}"
    with closing(
        psycopg.connect(host=server.host, port=server.port, user=server.username,
                        password=server.password, dbname="postgres", autocommit=True)
    ) as session:  # fmt: skip
        session.execute(f"CREATE DATABASE {name}".encode())
        login = f"{server.username}:{quote(server.password)}"
        yield f"postgresql://{login}@{server.host}:{server.port}/{name}"
        session.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def test_a_workspace_on_stores_of_its_own(world: World) -> None:
    small_class(world)
    team = world.namespace("team")
    with database(world) as uri:
        store_secret(world, team)
        world.secret(team, "their-database", {"uri": uri})
        root = bucket(world)
        stores = {"artifactStore": artifacts(root), "backendStore": BACKEND}
        own: dict[str, Any] = {**stores, "deletionPolicy": "Delete"}
        world.make_workspace(team, **own)
        world.converge(team)

        environment = world.published(team, "models")
        assert environment[contract.ARTIFACT_ROOT] == root
        assert outside.put(world, environment, "theirs") == OK
        assert outside.login(world, team) == world.postgresql.username
        assert not outside.user_exists(world, team), "nothing is made at the store"
        assert outside.databases(world, team) == [], "nor on the database server"

        world.api.delete(WORKSPACE, team, "models")
        until(lambda: world.api.get(WORKSPACE, team, "models") is None, "it to be gone")
        assert outside.objects(world, "theirs") == ["theirs/artifact"], "their artifacts are theirs"
        psycopg.connect(uri).close()
        assert outside.put(world, environment, "theirs") == OK, "their key is theirs"


def test_a_new_key_in_the_secret_reaches_pods(world: World) -> None:
    root = bucket(world)  # of the name that the class has too: made later, it may be there already
    world.make_class()
    team = world.namespace("team")
    store_secret(world, team)
    world.make_workspace(team, artifactStore=artifacts(root))
    world.binding_is(team, "models", "True")

    store_secret(world, team, **{contract.AWS_SECRET_ACCESS_KEY: "another-key"})

    def secret() -> bool:
        return world.published(team, "models").get(contract.AWS_SECRET_ACCESS_KEY) == "another-key"

    until(secret, "the new key")


@pytest.mark.parametrize(
    ("values", "reason", "told"),
    [
        (None, "SecretNotFound", "their-store does not exist; create it"),
        ({"ACCESS_KEY": "x"}, "InvalidSecret", "must have AWS_ACCESS_KEY_ID and AWS_SECRET"),
        (
            {contract.AWS_ACCESS_KEY_ID: "a", contract.AWS_SECRET_ACCESS_KEY: "not-to-be-seen\n"},
            "InvalidSecret",
            "AWS_SECRET_ACCESS_KEY with white space",
        ),
        (
            {contract.AWS_ACCESS_KEY_ID: "a", contract.AWS_SECRET_ACCESS_KEY: "b", "ca.crt": "x"},
            "InvalidCaBundle",
            "key ca.crt: it cannot be read",
        ),
    ],
    ids=["missing", "misnamed", "line feed", "no certificate"],
)
def test_what_is_wrong_with_a_key_is_told(
    world: World, values: dict[str, str] | None, reason: str, told: str
) -> None:
    world.make_class()
    team = world.namespace("team")
    if values is not None:
        world.secret(team, "their-store", values)
    world.make_workspace(team, artifactStore=artifacts("s3://theirs/x"))
    found = world.workspace_is(team, reason, "ArtifactStoreReady")
    assert "spec.artifactStore.existing.secretRef" in found["message"]
    assert f"{team}/their-store" in found["message"]
    assert told in found["message"]
    assert "not-to-be-seen" not in found["message"]


def test_what_is_wrong_with_a_database_is_told_and_put_right(world: World) -> None:
    world.make_class()
    team = world.namespace("team")
    with database(world) as uri:
        world.secret(team, "their-database", {"url": uri})
        world.make_workspace(team, backendStore=BACKEND)
        steps = [
            ({"url": uri}, "InvalidSecret", "has the keys url; it must have uri"),
            ({"uri": uri.replace("postgresql", "mysql")}, "InvalidSecret", "scheme is 'mysql'"),
            (
                {"uri": uri.replace(quote(world.postgresql.password), "wrong")},
                "WrongCredentials",
                "Correct the password",
            ),
            ({"uri": f"{uri}x"}, "MissingDatabase", "does not exist"),
            ({"uri": uri.replace("127.0.0.1", "nosuch.invalid")}, "UnknownHost",
             f"Correct the host in key uri of Secret {team}/their-database"),
        ]  # fmt: skip
        for values, reason, told in steps:
            world.secret(team, "their-database", values)

            def said(reason: str = reason, told: str = told) -> dict[str, Any]:
                found = world.workspace_is(team, reason, "DatabaseReady")
                return found if told in found["message"] else {}

            found = until(said, told)
            assert "spec.backendStore.existing.secretRef" in found["message"]
            assert world.postgresql.password not in found["message"]
        world.secret(team, "their-database", {"uri": uri})
        world.converge(team)


def test_a_database_of_their_own_is_upgraded_by_themselves(world: World) -> None:
    world.make_class()
    team = world.namespace("team")
    with database(world) as uri:
        world.secret(team, "their-database", {"uri": uri})
        world.make_workspace(team, backendStore=BACKEND)
        selector = "app.kubernetes.io/component=migrate"
        [job] = until(lambda: world.api.list(JOB, team, selector), "the migration")
        fail(
            world.api,
            job,
            "SchemaOlder: the database has schema a",
            exit_code=contract.SCHEMA_OLDER,
        )
        found = world.workspace_is(team, "SchemaOlder", "DatabaseReady")
        assert "dump it, then run `mlflow db upgrade` on it" in found["message"]


def test_runs_on_a_volume_need_it(world: World) -> None:
    small_class(world)
    team = world.namespace("team")
    world.make_workspace(team, artifactStore=artifacts("s3://theirs/x"))
    found = world.workspace_is(team, "InvalidSpec")
    assert "spec.backendStore.existing too" in found["message"]


@pytest.mark.parametrize(
    "uri", ["s3://theirs", "s3://theirs/x/", "s3://Theirs/x", "https://theirs/x", "s3://theirs//x"]
)
def test_a_place_that_is_none_is_refused(world: World, uri: str) -> None:
    team = world.namespace("team")
    with pytest.raises(Refused, match="uri is s3://BUCKET/PREFIX"):
        world.make_workspace(team, artifactStore=artifacts(uri))


def test_neither_store_can_be_changed_afterwards(world: World) -> None:
    team = world.namespace("team")
    world.make_workspace(team, artifactStore=artifacts("s3://theirs/x"))

    def patch(**spec: object) -> None:
        world.api.patch(WORKSPACE, team, "models", {"spec": spec})

    with pytest.raises(Refused, match="the place of the artifacts cannot be changed"):
        patch(artifactStore=artifacts("s3://theirs/y"))
    with pytest.raises(Refused, match="the place of the artifacts cannot be changed"):
        patch(artifactStore=None)
    with pytest.raises(Refused, match="the runs would stay behind"):
        patch(backendStore=BACKEND)
    patch(artifactStore={"existing": {"secretRef": {"name": "another"}}})

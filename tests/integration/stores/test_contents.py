"""What a workspace has, counted and removed, and what its neighbours keep."""

import dataclasses
import time
from typing import Any
from urllib.parse import quote

import pytest

from mooring_operator.stores.azure_data import AzureData
from mooring_operator.stores.contents import Objects, Run
from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.gcs_data import GcsData
from mooring_operator.stores.names import database_names
from mooring_operator.stores.postgresql import PostgresqlServer
from mooring_operator.stores.postgresql_copies import PostgresqlCopies
from mooring_operator.stores.postgresql_data import PostgresqlData
from mooring_operator.stores.protocol import (
    AzureConnection,
    DatabaseConnection,
    DatabaseGrant,
    GcsConnection,
    S3Connection,
)
from mooring_operator.stores.s3_data import S3Data
from mooring_operator.stores.s3_iam import S3IamStore
from tests.integration.stores.azure_client import admin as azure_admin
from tests.integration.stores.conftest import database_grant
from tests.integration.stores.database_client import TABLES, session
from tests.integration.stores.database_client import admin as sql
from tests.integration.stores.s3_client import admin
from tests.services.fakegcs import FakeGcs
from tests.services.versitygw import versitygw

NONE = Objects(0, 0, all=True)


def fill(connection: S3Connection, *keys: str) -> Any:
    s3 = admin(connection)
    for key in keys:
        s3.put_object(Bucket=connection.bucket, Key=key, Body=b"123")
    return s3


def keys(connection: S3Connection) -> list[str]:
    listed = admin(connection).list_objects_v2(Bucket=connection.bucket)
    return [entry["Key"] for entry in listed.get("Contents", [])]


def test_s3_a_sibling_with_the_same_letters_keeps_everything(
    minted: S3Connection, store: S3IamStore
) -> None:
    store.check()
    siblings = ["team-a2/models/x", "team-a/models2/x", "team-a/models-old/x"]
    s3 = fill(minted, "team-a/models/1/x", "team-a/models/2/y", *siblings)
    bare = s3.list_objects_v2(Bucket=minted.bucket, Prefix="team-a/models")["Contents"]
    assert len(bare) == 4, "the prefix without its slash would take two of the neighbours' along"
    data = S3Data(minted, "team-a/models")

    assert data.measure(1000) == Objects(2, 6, all=True)
    assert data.remove() == 2
    assert data.remove() == 0
    assert data.measure(1000) == NONE
    assert keys(minted) == sorted(siblings)


def test_s3_more_than_a_page_goes_in_slices(minted: S3Connection, store: S3IamStore) -> None:
    store.check()
    fill(minted, *(f"team/models/{n:04}" for n in range(1003)))
    data = S3Data(minted, "team/models")
    assert data.measure(1000) == Objects(1000, 3000, all=False)
    assert data.measure(1001) == Objects(1003, 3009, all=True)
    assert [data.remove(), data.remove(), data.remove()] == [1000, 3, 0]


def test_s3_an_upload_that_nobody_ends_goes_too(minted: S3Connection, store: S3IamStore) -> None:
    store.check()
    for key in ("team-a/models/x", "team-a2/models/x"):
        admin(minted).create_multipart_upload(Bucket=minted.bucket, Key=key)
    data = S3Data(minted, "team-a/models")
    assert [data.remove(), data.remove()] == [1, 0]
    [left] = admin(minted).list_multipart_uploads(Bucket=minted.bucket)["Uploads"]
    assert left["Key"] == "team-a2/models/x"


def test_s3_a_bucket_that_is_gone_has_nothing(minted: S3Connection) -> None:
    data = S3Data(minted, "team/models")
    assert data.measure(1) == NONE
    assert data.remove() == 0


def test_s3_every_version_goes(minted: S3Connection) -> None:
    with versitygw(versions=True) as service:
        here = dataclasses.replace(
            minted, endpoint=service.s3, iam_endpoint=service.iam, sts_endpoint=service.iam
        )
        S3IamStore(here).check()
        s3, bucket = admin(here), here.bucket
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        fill(here, "team/models/x", "team/models/x", "team/models/y", "team2/models/x")
        s3.delete_object(Bucket=bucket, Key="team/models/y")
        assert keys(here) == ["team/models/x", "team2/models/x"], "a listing shows the newest only"
        data = S3Data(here, "team/models")

        assert data.measure(1000) == Objects(3, 9, all=True)
        while data.remove():
            pass
        left = s3.list_object_versions(Bucket=bucket)
        assert [each["Key"] for each in left["Versions"]] == ["team2/models/x"]
        assert "DeleteMarkers" not in left


def test_azure_a_container_goes_with_all_that_is_in_it(azure: AzureConnection, unique: str) -> None:
    mine, sibling = f"team-{unique}", f"team-{unique}2"
    for container in (mine, sibling):
        azure_admin(azure, container).create_container()
        for name in ("x", "models/y"):
            azure_admin(azure, container).upload_blob(name, b"12345")
    data = AzureData(azure, mine)

    assert data.measure(1000) == Objects(2, 10, all=True)
    assert data.remove() == 0
    assert data.remove() == 0, "a second time is fine"
    assert data.measure(1000) == NONE
    assert AzureData(azure, sibling).measure(1000) == Objects(2, 10, all=True)


def test_gcs_a_sibling_with_the_same_letters_keeps_everything(
    gcs: GcsConnection, fakegcs_service: FakeGcs
) -> None:
    for name in ("team-a/models/x", "team-a/models/d/y z", "team-a2/models/x", "team-a/models2/x"):
        fakegcs_service.upload(gcs.bucket, name, b"1234")
    data = GcsData(gcs, "team-a/models")

    assert data.measure(1000) == Objects(2, 8, all=True)
    assert data.remove() == 2
    assert data.remove() == 0
    assert GcsData(gcs, "team-a2/models").measure(1000) == Objects(1, 4, all=True)
    assert GcsData(gcs, "team-a/models2").measure(1000) == Objects(1, 4, all=True)


@pytest.fixture
def kept(
    server: PostgresqlServer, database: DatabaseConnection, team_a: DatabaseGrant
) -> DatabaseGrant:
    """A database with MLflow's tables, as far as they are read: two runs, one in flight."""
    server.ensure(team_a)
    with session(database, team_a.database, team_a.migration) as migration:
        migration.execute("CREATE TABLE alembic_version (version_num varchar(32))")
        migration.execute("INSERT INTO alembic_version VALUES ('aaaaaaaa1111')")
        migration.execute(TABLES)
        migration.execute(
            "INSERT INTO runs VALUES ('ended', 1, 'FINISHED', 'active', 100),"
            " ('going', 1, 'RUNNING', 'active', 200), ('deleted', 1, 'RUNNING', 'deleted', 300)"
        )
    return team_a


def data_of(server: PostgresqlServer, unique: str, team: str = "team-a") -> PostgresqlData:
    return PostgresqlData(server, database_names(f"{team}-{unique}", "models"))


def test_postgresql_runs_that_have_not_ended(
    server: PostgresqlServer, kept: DatabaseGrant, unique: str
) -> None:
    found = data_of(server, unique).read(since=0)
    assert found is not None
    assert (found.experiments, found.runs, found.in_flight) == (2, 3, 1)
    assert found.newest == (Run("going", "prices", 200),)
    late = data_of(server, unique).read(since=201)
    assert late is not None
    assert (late.runs, late.in_flight, late.newest) == (3, 0, ())


def test_postgresql_runs_as_mlflow_writes_them(
    server: PostgresqlServer, database: DatabaseConnection, team_a: DatabaseGrant, unique: str
) -> None:
    # not for every process that collects this file: it takes two seconds
    from mlflow import MlflowClient

    server.ensure(team_a)
    login = f"{team_a.migration.role}:{quote(team_a.migration.password, safe='')}"
    address = f"{database.host}:{database.port}/{team_a.database}"
    client = MlflowClient(f"postgresql+psycopg2://{login}@{address}")
    experiment = client.create_experiment("prices", artifact_location="s3://b/p")
    runs = [client.create_run(experiment).info.run_id for _ in range(5)]
    client.set_terminated(runs[0], "KILLED")
    client.delete_run(runs[1])

    found = data_of(server, unique).read(since=0)

    assert found is not None
    assert (found.experiments, found.runs, found.in_flight) == (2, 5, 3)
    assert {run.id for run in found.newest} == set(runs[2:])
    assert {run.experiment for run in found.newest} == {"prices"}
    now = time.time() * 1000
    assert all(now - 600_000 < run.started <= now for run in found.newest), "milliseconds"


def test_postgresql_a_database_that_mlflow_never_saw(
    server: PostgresqlServer, team_b: DatabaseGrant, unique: str
) -> None:
    assert data_of(server, unique, "team-b").read(0) is None
    server.ensure(team_b)
    assert data_of(server, unique, "team-b").read(0) is None


@pytest.mark.parametrize("superuser", [True, False])
def test_postgresql_a_database_goes_with_its_copies_and_roles(
    server: PostgresqlServer, database: DatabaseConnection, kept: DatabaseGrant, unique: str,
    superuser: bool,
) -> None:  # fmt: skip
    sibling = database_grant(f"team-a-{unique}2", "models")
    if not superuser:
        name = f"admin-{unique}"
        sql(database, "CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD 'a'", name)
        sql(database, "GRANT {} TO {}", kept.owner, name)
        server = PostgresqlServer(dataclasses.replace(database, username=name, password="a"))
    server.ensure(sibling)
    copy = PostgresqlCopies(server, kept.database).make(kept.migration, keep=1)
    server.revoke(database_names(f"team-a-{unique}", "models").logins, kept.owner)
    assert about(database, f"mooring-team-a-{unique}%") != [sibling.database], "nothing went yet"
    data = data_of(server, unique)

    data.remove()
    data.remove()

    left = about(database, f"mooring-team-a-{unique}%")
    assert copy not in left
    roles = database_names(f"team-a-{unique}2", "models")
    assert left == sorted([sibling.database, roles.access, roles.migration, roles.owner,
                           roles.runtime])  # fmt: skip
    assert data.read(0) is None


def about(database: DatabaseConnection, pattern: str) -> list[str]:
    """Names of databases and roles that are like `pattern`."""
    with session(database, "postgres") as administrator:
        found = administrator.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE %(like)s"
            " UNION SELECT rolname FROM pg_roles WHERE rolname LIKE %(like)s",
            {"like": pattern},
        )
        return sorted(row[0] for row in found)


def test_postgresql_a_database_that_somebody_is_in_stays_until_he_leaves(
    server: PostgresqlServer, database: DatabaseConnection, kept: DatabaseGrant, unique: str
) -> None:
    server.revoke(database_names(f"team-a-{unique}", "models").logins, kept.owner)
    with session(database, kept.database), pytest.raises(StoreError) as refused:
        data_of(server, unique).remove()
    assert refused.value.reason is Reason.BUSY
    assert "other session" in refused.value.message
    data_of(server, unique).remove()


def test_postgresql_a_database_of_somebody_else_is_left_alone(
    server: PostgresqlServer, database: DatabaseConnection, kept: DatabaseGrant, unique: str
) -> None:
    sql(database, "ALTER DATABASE {} OWNER TO {}", kept.database, database.username)
    with pytest.raises(StoreError) as refused:
        data_of(server, unique).remove()
    assert refused.value.reason is Reason.NAME_TAKEN
    assert f"belongs to role {database.username}" in refused.value.message

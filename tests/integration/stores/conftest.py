"""The stores against real services, each test with names of its own on shared ones."""

import dataclasses
import json
import uuid

import pytest

from mooring_operator.stores.names import database_names
from mooring_operator.stores.postgresql import PostgresqlServer
from mooring_operator.stores.protocol import (
    AzureConnection,
    DatabaseConnection,
    DatabaseGrant,
    GcsConnection,
    Login,
    S3Connection,
)
from mooring_operator.stores.s3_iam import S3IamStore
from tests.services.azurite import Azurite
from tests.services.fakegcs import FakeGcs
from tests.services.fixtures import (
    azurite_service,
    fakegcs_service,
    postgresql_service,
    versitygw_service,
)
from tests.services.postgresql import Postgresql
from tests.services.versitygw import Versitygw

__all__ = ["azurite_service", "fakegcs_service", "postgresql_service", "versitygw_service"]


@pytest.fixture
def unique() -> str:
    """Eight characters that no other test has."""
    return uuid.uuid4().hex[:8]


@pytest.fixture
def minted(versitygw_service: Versitygw, unique: str) -> S3Connection:
    """A connection for minted keys, with a bucket that is not there yet."""
    return S3Connection(
        endpoint=versitygw_service.s3,
        iam_endpoint=versitygw_service.iam,
        sts_endpoint=versitygw_service.iam,
        region=versitygw_service.region,
        bucket=f"mlflow-{unique}",
        credentials="Minted",
        token_issuer="https://kubernetes.default.svc",
        access_key_id=versitygw_service.access_key_id,
        secret_access_key=versitygw_service.secret_access_key,
    )


@pytest.fixture
def store(minted: S3Connection) -> S3IamStore:
    """The artifact store that mints keys."""
    return S3IamStore(minted)


@pytest.fixture
def federated(minted: S3Connection) -> S3Connection:
    """A connection for workload identity."""
    return dataclasses.replace(minted, credentials="WorkloadIdentity")


@pytest.fixture
def azure(azurite_service: Azurite) -> AzureConnection:
    """A connection to a storage account."""
    return AzureConnection(
        account=azurite_service.account,
        endpoint=azurite_service.url,
        account_key=azurite_service.account_key,
    )


@pytest.fixture
def gcs(fakegcs_service: FakeGcs, unique: str) -> GcsConnection:
    """A connection to a bucket, with the key of a service account of its own."""
    fakegcs_service.make_bucket(f"mlflow-{unique}")
    return GcsConnection(
        endpoint=fakegcs_service.url,
        bucket=f"mlflow-{unique}",
        key_file=json.dumps(fakegcs_service.make_key()),
    )


@pytest.fixture
def database(postgresql_service: Postgresql) -> DatabaseConnection:
    """A connection as the administrator."""
    return DatabaseConnection(
        host=postgresql_service.host,
        port=postgresql_service.port,
        ssl_mode="prefer",
        username=postgresql_service.username,
        password=postgresql_service.password,
    )


@pytest.fixture
def server(database: DatabaseConnection) -> PostgresqlServer:
    """The database server, as its administrator."""
    return PostgresqlServer(database)


@pytest.fixture
def team_a(unique: str) -> DatabaseGrant:
    """The database of team-a's workspace."""
    return database_grant(f"team-a-{unique}", "models")


@pytest.fixture
def team_b(unique: str) -> DatabaseGrant:
    """The database of team-b's workspace."""
    return database_grant(f"team-b-{unique}", "models")


def database_grant(namespace: str, name: str) -> DatabaseGrant:
    """A grant with passwords that no log may show."""
    names = database_names(namespace, name)
    return DatabaseGrant(
        database=names.database,
        owner=names.owner,
        access=names.access,
        migration=Login(names.migration, f"not-to-be-seen-m-{namespace}"),
        runtime=Login(names.runtime, f"not-to-be-seen-r-{namespace}"),
        connection_limit=6,
    )

"""The database Secret of a workspace: passwords first, then the roles that use them."""

import secrets
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from mooring.contract import CA_FILE
from mooring_operator.api.backendstore import PostgresqlStore
from mooring_operator.plan.binding import encoded
from mooring_operator.plan.metadata import DATABASE, Manifest, Owner, child
from mooring_operator.plan.rotation import ROTATION_KEY, Rotation

MIGRATION_PASSWORD: Final = "migration-password"
MIGRATION_URI: Final = "migration-uri"
RUNTIME_PASSWORD: Final = "runtime-password"
RUNTIME_ROLE: Final = "runtime-role"
RUNTIME_URI: Final = "runtime-uri"

DRIVER: Final = "postgresql+psycopg2"
"""Scheme of a URI for SQLAlchemy: a plain `postgresql://` would ask for psycopg 3."""

MOUNT_PATH: Final = "/var/run/secrets/mooring.dev-database"
VOLUME: Final = "database"

CONNECTION_LIMIT: Final = 12
"""Connections of a workspace's servers at once."""
LOGIN_CONNECTIONS: Final = 6
"""More where there are users: up to three in each of two servers, while one takes over."""

IDLE_CONNECTIONS: Final = 4
"""Connections that one server keeps open when it idles: two pools of two (docs/performance.md)."""


@dataclass(frozen=True, slots=True)
class DatabaseClient:
    """What the pods that reach a workspace's database read: its Secret.

    `digest` changes with everything in it that is read only once. With `verifies` it has the
    authorities by which the server's certificate is checked.
    """

    digest: str
    verifies: bool = False


@dataclass(frozen=True, slots=True)
class Credential:
    """A role that can log in, and its password."""

    role: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Logins:
    """The two login roles of a workspace's database that are in use."""

    migration: Credential
    runtime: Credential


def kept_or_new(values: dict[str, str], migration: str, runtime: str) -> Logins:
    """The logins in the values of the live Secret; what is not there is made up.

    `migration` and `runtime` are the roles of a database that never saw a rotation.
    """
    return Logins(
        Credential(migration, values.get(MIGRATION_PASSWORD) or _password()),
        Credential(
            values.get(RUNTIME_ROLE) or runtime, values.get(RUNTIME_PASSWORD) or _password()
        ),
    )


def renewed(logins: Logins, first: str, second: str) -> Logins:
    """New passwords, and for the server the other role of `first` and `second`."""
    runtime = second if logins.runtime.role == first else first
    return Logins(Credential(logins.migration.role, _password()), Credential(runtime, _password()))


def database_secret(
    workspace: Owner,
    server: PostgresqlStore,
    database: str,
    logins: Logins,
    rotation: Rotation,
    *,
    ca: str | None,
) -> Manifest:
    """The Secret from which migration and server read their connection URI, and `ca`."""
    values = {
        **_authorities(ca),
        MIGRATION_PASSWORD: logins.migration.password,
        MIGRATION_URI: _uri(server, database, logins.migration),
        RUNTIME_PASSWORD: logins.runtime.password,
        RUNTIME_ROLE: logins.runtime.role,
        RUNTIME_URI: _uri(server, database, logins.runtime),
        ROTATION_KEY: rotation.dumped(),
    }
    head = child(workspace, "v1", "Secret", workspace.child_name_for(DATABASE), DATABASE)
    return head | {"type": "Opaque", "data": encoded(values)}


def secret_of_one_uri(workspace: Owner, uri: str, ca: str | None = None) -> Manifest:
    """The same Secret where migration and server have one login, or need none."""
    values = {**_authorities(ca), MIGRATION_URI: uri, RUNTIME_URI: uri}
    head = child(workspace, "v1", "Secret", workspace.child_name_for(DATABASE), DATABASE)
    return head | {"type": "Opaque", "data": encoded(values)}


def backend_store_uri(workspace: Owner, key: str) -> Manifest:
    """The variable in which MLflow finds its database; `key` says with which login."""
    reference = {"name": workspace.child_name_for(DATABASE), "key": key}
    return {"name": "MLFLOW_BACKEND_STORE_URI", "valueFrom": {"secretKeyRef": reference}}


def database_volumes(workspace: Owner, database: DatabaseClient) -> list[Manifest]:
    """The volume with the authorities of the database's server, if it has to prove itself."""
    if not database.verifies:
        return []
    secret = {
        "secretName": workspace.child_name_for(DATABASE),
        "items": [{"key": CA_FILE, "path": CA_FILE}],
    }
    return [{"name": VOLUME, "secret": secret}]


def database_mounts(database: DatabaseClient) -> list[Manifest]:
    """Where that volume is mounted: where the URI says."""
    if not database.verifies:
        return []
    return [{"name": VOLUME, "mountPath": MOUNT_PATH, "readOnly": True}]


def verifies(ssl_mode: str) -> bool:
    """Whether this sslmode of libpq asks authorities about the server's certificate."""
    return ssl_mode.startswith("verify-")


def tls_query(ssl_mode: str) -> str:
    """The parameters of a URI for this sslmode of libpq."""
    authorities = f"&sslrootcert={MOUNT_PATH}/{CA_FILE}" if verifies(ssl_mode) else ""
    return f"sslmode={ssl_mode}{authorities}"


def _authorities(ca: str | None) -> dict[str, str]:
    return {} if ca is None else {CA_FILE: ca}


def _password() -> str:
    return secrets.token_urlsafe(24)


def _uri(server: PostgresqlStore, database: str, credential: Credential) -> str:
    """The URI for SQLAlchemy."""
    login = f"{quote(credential.role, safe='')}:{quote(credential.password, safe='')}"
    address = f"{server.host}:{server.port}/{quote(database, safe='')}"
    return f"{DRIVER}://{login}@{address}?{tls_query(server.ssl_mode)}"

"""The database Secret of a workspace: passwords first, then the roles that use them."""

import secrets
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from mooring_operator.api.backendstore import PostgresqlStore
from mooring_operator.plan.binding import encoded
from mooring_operator.plan.metadata import DATABASE, Manifest, Owner, child
from mooring_operator.plan.volume import SQLITE_URI

MIGRATION_PASSWORD: Final = "migration-password"
MIGRATION_URI: Final = "migration-uri"
RUNTIME_PASSWORD: Final = "runtime-password"
RUNTIME_URI: Final = "runtime-uri"

CONNECTION_LIMIT: Final = 12
"""Twice what one worker can open (2 engines of 2 + 1): the old and the new pod of a rollout."""


@dataclass(frozen=True, slots=True)
class Passwords:
    """Passwords of the two login roles of a workspace's database."""

    migration: str = field(repr=False)
    runtime: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DatabaseRoles:
    """The database of a workspace and the two roles that log in to it."""

    database: str
    migration: str
    runtime: str


def kept_or_new(values: dict[str, str]) -> Passwords:
    """Passwords from the values of the live Secret; what is not there is made up."""
    return Passwords(
        migration=values.get(MIGRATION_PASSWORD) or secrets.token_urlsafe(24),
        runtime=values.get(RUNTIME_PASSWORD) or secrets.token_urlsafe(24),
    )


def database_secret(
    workspace: Owner, server: PostgresqlStore, roles: DatabaseRoles, passwords: Passwords
) -> Manifest:
    """The Secret from which migration and server read their connection URI."""
    values = {
        MIGRATION_PASSWORD: passwords.migration,
        MIGRATION_URI: _uri(server, roles.database, roles.migration, passwords.migration),
        RUNTIME_PASSWORD: passwords.runtime,
        RUNTIME_URI: _uri(server, roles.database, roles.runtime, passwords.runtime),
    }
    head = child(workspace, "v1", "Secret", workspace.child_name_for(DATABASE), DATABASE)
    return head | {"type": "Opaque", "data": encoded(values)}


def sqlite_secret(workspace: Owner) -> Manifest:
    """The same Secret where the database is a file on the workspace's volume."""
    values = {MIGRATION_URI: SQLITE_URI, RUNTIME_URI: SQLITE_URI}
    head = child(workspace, "v1", "Secret", workspace.child_name_for(DATABASE), DATABASE)
    return head | {"type": "Opaque", "data": encoded(values)}


def backend_store_uri(workspace: Owner, key: str) -> Manifest:
    """The variable in which MLflow finds its database; `key` says with which login."""
    reference = {"name": workspace.child_name_for(DATABASE), "key": key}
    return {"name": "MLFLOW_BACKEND_STORE_URI", "valueFrom": {"secretKeyRef": reference}}


def _uri(server: PostgresqlStore, database: str, role: str, password: str) -> str:
    """The URI for SQLAlchemy: a plain `postgresql://` would ask for psycopg 3."""
    login = f"{quote(role, safe='')}:{quote(password, safe='')}"
    address = f"{server.host}:{server.port}/{quote(database, safe='')}"
    return f"postgresql+psycopg2://{login}@{address}?sslmode={server.ssl_mode}"

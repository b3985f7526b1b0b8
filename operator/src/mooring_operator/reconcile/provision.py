"""What lies outside the cluster for one workspace: its identity at the store, its database.

Intent is recorded before effect: passwords stand in a Secret before a role has them, so a crash
between the two loses nothing.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from mooring.contract import AWS_ACCESS_KEY_ID
from mooring_operator.api.conditions import Finding
from mooring_operator.api.workspaceclass import PostgresqlStore, S3Store, artifact_prefix
from mooring_operator.kube import SECRET, Manifest
from mooring_operator.plan.binding import decoded, encoded
from mooring_operator.plan.database import (
    CONNECTION_LIMIT,
    DatabaseRoles,
    database_secret,
    kept_or_new,
)
from mooring_operator.plan.metadata import DATABASE, STORE, Owner, child, digest
from mooring_operator.reconcile.outside import artifact_store, database_server
from mooring_operator.reconcile.world import Blocked, World, apply
from mooring_operator.stores.errors import StoreError
from mooring_operator.stores.names import database_names, identity, subject
from mooring_operator.stores.protocol import DatabaseGrant, Login, StoreGrant

NAMESPACES_KEY: Final = "namespaces"
"""Key of the store Secret that lists the namespaces whose pods the store trusts."""


@dataclass(frozen=True, slots=True)
class StoreCredentials:
    """What the store Secret of a workspace holds."""

    environment: dict[str, str] = field(repr=False)
    namespaces: frozenset[str] = frozenset()


def ensure_store(
    world: World, workspace: Owner, s3: S3Store, namespaces: Iterable[str]
) -> StoreCredentials:
    """Have the store know the workspace and trust the namespaces; keep the answer in a Secret.

    Raises Blocked with what to tell the user.
    """
    trusted = sorted({workspace.namespace, *namespaces})
    live = world.kube.get(SECRET, workspace.namespace, workspace.child_name_for(STORE))
    held = store_credentials(live)
    keyless = s3.credentials == "WorkloadIdentity"
    grant = StoreGrant(
        identity=identity(workspace.namespace, workspace.name),
        prefix=artifact_prefix(s3, workspace.namespace, workspace.name),
        subjects=tuple(subject(namespace) for namespace in trusted) if keyless else (),
        held_key_id=held.environment.get(AWS_ACCESS_KEY_ID),
    )
    try:
        made = artifact_store(world.kube, s3).ensure(grant)
    except StoreError as error:
        raise Blocked(Finding(error.reason, error.message)) from None
    environment = dict(held.environment if made.env is None else made.env)
    head = child(workspace, "v1", "Secret", workspace.child_name_for(STORE), STORE)
    values = {**environment, NAMESPACES_KEY: json.dumps(trusted)}
    apply(world, head | {"type": "Opaque", "data": encoded(values)}, live)
    return StoreCredentials(environment, frozenset(trusted))


def store_credentials(secret: Manifest | None) -> StoreCredentials:
    """What a live store Secret says; nothing where there is none."""
    values = decoded(secret) if secret else {}
    namespaces = json.loads(values.pop(NAMESPACES_KEY, "[]"))
    return StoreCredentials(values, frozenset(namespaces))


def ensure_database(world: World, workspace: Owner, postgresql: PostgresqlStore) -> str:
    """Have the server hold the workspace's database and roles; a digest of where and how.

    Raises Blocked with what to tell the user.
    """
    names = database_names(workspace.namespace, workspace.name)
    live = world.kube.get(SECRET, workspace.namespace, workspace.child_name_for(DATABASE))
    passwords = kept_or_new(decoded(live) if live else {})
    roles = DatabaseRoles(names.database, names.migration, names.runtime)
    secret = apply(world, database_secret(workspace, postgresql, roles, passwords), live)
    grant = DatabaseGrant(
        database=names.database,
        owner=names.owner,
        access=names.access,
        migration=Login(names.migration, passwords.migration),
        runtime=Login(names.runtime, passwords.runtime),
        connection_limit=CONNECTION_LIMIT,
    )
    try:
        database_server(world.kube, postgresql).ensure(grant)
    except StoreError as error:
        raise Blocked(Finding(error.reason, error.message)) from None
    return digest(secret["data"])


def revoke(world: World, workspace: Owner, s3: S3Store, postgresql: PostgresqlStore) -> None:
    """Take every credential of the workspace back; its objects and its database stay.

    Raises Blocked with what to tell the user.
    """
    names = database_names(workspace.namespace, workspace.name)
    try:
        artifact_store(world.kube, s3).revoke(identity(workspace.namespace, workspace.name))
        database_server(world.kube, postgresql).revoke((names.migration, names.runtime))
    except StoreError as error:
        raise Blocked(Finding(error.reason, error.message)) from None

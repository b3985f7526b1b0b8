"""What lies outside the cluster for one workspace: its identity at the store, its database.

Intent is recorded before effect: passwords stand in a Secret before a role has them, so a crash
between the two loses nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from mooring.contract import AWS_ACCESS_KEY_ID
from mooring_operator.api.artifactstore import ArtifactStore, VolumeStore, artifact_prefix
from mooring_operator.api.backendstore import BackendStore, SqliteStore
from mooring_operator.api.conditions import Finding
from mooring_operator.kube import SECRET, Kube, Manifest
from mooring_operator.plan.artifactstore import is_file
from mooring_operator.plan.binding import decoded, encoded
from mooring_operator.plan.database import (
    CONNECTION_LIMIT,
    DatabaseRoles,
    Passwords,
    database_secret,
    kept_or_new,
    sqlite_secret,
)
from mooring_operator.plan.metadata import DATABASE, STORE, Owner, belongs, child, digest
from mooring_operator.plan.trust import Account
from mooring_operator.reconcile.outside import artifact_store, database_server
from mooring_operator.reconcile.world import Blocked, World, apply, attempt, require_ours
from mooring_operator.stores.errors import StoreError
from mooring_operator.stores.names import database_names, identity, subject
from mooring_operator.stores.protocol import DatabaseGrant, Login, StoreGrant

ACCOUNTS_KEY: Final = "accounts"
"""Key of the store Secret that lists the service accounts that the store trusts."""


@dataclass(frozen=True, slots=True)
class StoreCredentials:
    """What the store Secret of a workspace holds.

    `values` are variables by contract names and files; the store trusts `accounts`.
    """

    values: dict[str, str] = field(repr=False)
    accounts: frozenset[Account] = frozenset()


def ensure_store(
    world: World, workspace: Owner, store: ArtifactStore, accounts: Sequence[Account]
) -> StoreCredentials:
    """Have the store know the workspace and trust the accounts; keep the answer in a Secret.

    Raises Blocked with what to tell the user.
    """
    head = child(workspace, "v1", "Secret", workspace.child_name_for(STORE), STORE)
    live = world.kube.get(SECRET, workspace.namespace, workspace.child_name_for(STORE))
    require_ours(head, live)
    held = _credentials(live)
    grant = _grant(store, workspace, accounts, held)
    try:
        made = artifact_store(world.kube, store).ensure(grant)
    except StoreError as error:
        raise Blocked(Finding(error.reason, error.message)) from None
    kept = {key: value for key, value in held.values.items() if not is_file(key)}
    values = {**(kept if made.env is None else made.env), **made.files}
    data = encoded({**values, ACCOUNTS_KEY: " ".join(map(str, accounts))})
    apply(world, head | {"type": "Opaque", "data": data}, live)
    return StoreCredentials(values, frozenset(accounts))


def _grant(
    store: ArtifactStore, workspace: Owner, accounts: Iterable[Account], held: StoreCredentials
) -> StoreGrant:
    name, s3 = identity(workspace.namespace, workspace.name), store.chosen
    if isinstance(s3, VolumeStore):
        return StoreGrant(name, prefix="")
    keyless = s3.credentials == "WorkloadIdentity"
    return StoreGrant(
        identity=name,
        prefix=artifact_prefix(s3, workspace.namespace, workspace.name),
        subjects=tuple(subject(a.namespace, a.name) for a in accounts) if keyless else (),
        held_key_id=held.values.get(AWS_ACCESS_KEY_ID),
    )


def held_credentials(kube: Kube, workspace: Owner) -> StoreCredentials:
    """What the store Secret of a workspace says; nothing where it has none (any more)."""
    secret = kube.get(SECRET, workspace.namespace, workspace.child_name_for(STORE))
    return _credentials(secret if secret and belongs(secret, workspace) else None)


def _credentials(secret: Manifest | None) -> StoreCredentials:
    values = decoded(secret) if secret else {}
    accounts = map(Account.parse, values.pop(ACCOUNTS_KEY, "").split())
    return StoreCredentials(values, frozenset(accounts))


def ensure_database(world: World, workspace: Owner, store: BackendStore) -> str:
    """Have the server hold the workspace's database and roles; a digest of where and how.

    Raises Blocked with what to tell the user.
    """
    live = world.kube.get(SECRET, workspace.namespace, workspace.child_name_for(DATABASE))
    server = store.chosen
    if isinstance(server, SqliteStore):
        apply(world, secret := sqlite_secret(workspace), live)
        return digest(secret["data"])
    passwords = kept_or_new(decoded(live) if live else {})
    grant = _database_grant(workspace, passwords)
    roles = DatabaseRoles(grant.database, grant.migration.role, grant.runtime.role)
    secret = database_secret(workspace, server, roles, passwords)
    apply(world, secret, live)
    try:
        database_server(world.kube, store).ensure(grant)
    except StoreError as error:
        raise Blocked(Finding(error.reason, error.message)) from None
    return digest(secret["data"])


def database_grant(kube: Kube, workspace: Owner) -> DatabaseGrant:
    """The database of a workspace and the logins to it, with the passwords in its Secret."""
    secret = kube.get(SECRET, workspace.namespace, workspace.child_name_for(DATABASE))
    return _database_grant(workspace, kept_or_new(decoded(secret) if secret else {}))


def _database_grant(workspace: Owner, passwords: Passwords) -> DatabaseGrant:
    names = database_names(workspace.namespace, workspace.name)
    return DatabaseGrant(
        database=names.database,
        owner=names.owner,
        access=names.access,
        migration=Login(names.migration, passwords.migration),
        runtime=Login(names.runtime, passwords.runtime),
        connection_limit=CONNECTION_LIMIT,
    )


def revoke(world: World, workspace: Owner, artifacts: ArtifactStore, backend: BackendStore) -> None:
    """Take every credential of the workspace back; its objects and its database stay.

    What can be revoked is, even when the other half cannot. Raises Blocked with what to tell the
    user.
    """
    names = database_names(workspace.namespace, workspace.name)
    logins = (names.migration, names.runtime)
    store = attempt(lambda: _revoke_store(world, workspace, artifacts))
    database = attempt(lambda: _revoke_logins(world, backend, logins))
    findings = [finding for finding in (store, database) if finding is not None]
    if findings:
        message = " ".join(finding.message for finding in findings)
        raise Blocked(Finding(findings[0].reason, message))


def _revoke_store(world: World, workspace: Owner, artifacts: ArtifactStore) -> None:
    try:
        name = identity(workspace.namespace, workspace.name)
        artifact_store(world.kube, artifacts).revoke(name)
    except StoreError as error:
        raise Blocked(Finding(error.reason, error.message)) from None


def _revoke_logins(world: World, backend: BackendStore, logins: tuple[str, ...]) -> None:
    try:
        database_server(world.kube, backend).revoke(logins)
    except StoreError as error:
        raise Blocked(Finding(error.reason, error.message)) from None

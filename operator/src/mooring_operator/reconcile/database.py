"""A workspace's database and its logins on the class's database server.

A first password stands in the Secret before a role has it, so a crash between the two loses
nothing. A rotation goes the other way round: the second login is made before the Secret names it,
because a server that is started in between reads the Secret. One that was made and not named is
made again, with another password.
"""

from dataclasses import dataclass, replace

from mooring.contract import CA_FILE
from mooring_operator.api.backendstore import (
    BackendStore,
    ExistingDatabase,
    PostgresqlStore,
    SqliteStore,
)
from mooring_operator.api.conditions import ARTIFACT_ROOTS_MATCH, Finding, Verdict
from mooring_operator.api.external import ExternalDatabase
from mooring_operator.kube import JOB, SECRET, Kube, Manifest
from mooring_operator.plan.binding import decoded
from mooring_operator.plan.database import (
    CONNECTION_LIMIT,
    LOGIN_CONNECTIONS,
    DatabaseClient,
    Logins,
    database_secret,
    kept_or_new,
    renewed,
    secret_of_one_uri,
)
from mooring_operator.plan.metadata import DATABASE, MIGRATION, Owner, digest
from mooring_operator.plan.rotation import ROTATION_KEY, Policy, Rotation, loaded
from mooring_operator.plan.volume import SQLITE_URI
from mooring_operator.reconcile.outside import (
    asked_of_database,
    database_authorities,
    database_server,
    existing_database,
)
from mooring_operator.reconcile.pacing import question
from mooring_operator.reconcile.workloads import selector_of
from mooring_operator.reconcile.world import World, apply, ask
from mooring_operator.status.experiments import elsewhere
from mooring_operator.status.workloads import job_finished
from mooring_operator.stores.names import DatabaseNames, database_names
from mooring_operator.stores.protocol import Audit, DatabaseGrant, Login


@dataclass(frozen=True, slots=True)
class Database:
    """A database that is there, how one gets in, and the state of its logins.

    `rotation` is None where it has none. `audit` tells of what is lost or lies elsewhere, None
    where only the tracking server can look. `answered` is what the server was asked, see
    `pacing.question`; None of what is asked each time.
    """

    client: DatabaseClient
    rotation: Rotation | None
    audit: Audit | None
    answered: str | None = None


def ensure_database(
    world: World,
    workspace: Owner,
    store: BackendStore,
    policy: Policy,
    root: str | None,
    *,
    answered: str | None,
    auth: bool = False,
) -> Database:
    """Have the server hold the workspace's database and logins, as its Secret says.

    A login that is due is replaced by a second one; one whose grace is over is dropped, and its
    sessions are ended. `root` is where the workspace's artifacts lie, if that is known. With `auth`
    the servers may have more connections, for their users. Where no login is to be replaced or
    dropped, a question that was `answered` is not asked: nothing was found then. Raises Blocked
    with what to tell the user.
    """
    live = world.kube.get(SECRET, workspace.namespace, workspace.child_name_for(DATABASE))
    chosen = store.chosen
    if isinstance(chosen, ExternalDatabase):
        return Database(DatabaseClient("", verifies=False), None, None)
    if not isinstance(chosen, PostgresqlStore):
        secret, audit = _secret(world.kube, chosen, workspace, root)
        apply(world, secret, live)
        return Database(_client(secret), None, audit)
    values, now, names = decoded(live) if live else {}, world.now(), _names(workspace)
    logins = kept_or_new(values, names.migration, names.runtime)
    before = loaded(values.get(ROTATION_KEY), policy, now)
    over = before.over(policy, now)
    state = before.revoked(over)
    rotate = live is not None and state.due(policy, now) and not _migrates(world, workspace)
    if rotate:
        state = state.replaced(logins.runtime.role, policy, now)
        logins = renewed(logins, names.runtime, names.runtime_spare)
    ca = database_authorities(world.kube, chosen)
    secret = database_secret(workspace, chosen, names.database, logins, state, ca=ca)
    if not rotate and not over:
        apply(world, secret, live)
    server = database_server(world.kube, store)
    if over:
        # first: a rotation that is due as well makes this role anew
        ask(lambda: server.revoke(over, names.owner))
    grant = _grant(names, logins, LOGIN_CONNECTIONS if auth else 0)
    client, limit = _client(secret), grant.connection_limit
    asked = question(asked_of_database(world.kube, chosen), client.digest, limit, root)
    if asked == answered and not rotate and not over:
        return Database(client, state, Audit(), asked)
    audit = ask(lambda: server.ensure(replace(grant, artifact_root=root)))
    if rotate or over:
        apply(world, secret, live)
    return Database(client, state, audit, asked)


def artifact_roots(audit: Audit | None, root: str | None) -> Verdict:
    """Whether every experiment that the `audit` looked at keeps its artifacts under `root`."""
    if audit is None or root is None:
        waits = Finding("Waiting", "waits for the database and the artifact store", waiting=True)
        return Verdict(ARTIFACT_ROOTS_MATCH, waits)
    named = ((stray.name, stray.location) for stray in audit.strays.named)
    holds = f"every experiment keeps its artifacts under {root}"
    return Verdict(ARTIFACT_ROOTS_MATCH, elsewhere(root, named, audit.strays.total), holds)


def _client(secret: Manifest) -> DatabaseClient:
    stable = {key: value for key, value in secret["data"].items() if key != ROTATION_KEY}
    return DatabaseClient(digest(stable), verifies=CA_FILE in stable)


def _secret(
    kube: Kube, store: SqliteStore | ExistingDatabase, workspace: Owner, root: str | None
) -> tuple[Manifest, Audit | None]:
    if isinstance(store, SqliteStore):
        return secret_of_one_uri(workspace, SQLITE_URI), None
    found, audit = existing_database(kube, store, workspace.namespace, root)
    return secret_of_one_uri(workspace, found.uri, found.ca), audit


def database_grant(kube: Kube, workspace: Owner) -> DatabaseGrant:
    """The database of a workspace and the logins to it, with the passwords in its Secret."""
    secret = kube.get(SECRET, workspace.namespace, workspace.child_name_for(DATABASE))
    names = _names(workspace)
    values = decoded(secret) if secret else {}
    return _grant(names, kept_or_new(values, names.migration, names.runtime))


def revoke_logins(world: World, workspace: Owner, store: BackendStore) -> None:
    """Drop every login to the workspace's database. Raises Blocked."""
    server, names = database_server(world.kube, store), _names(workspace)
    ask(lambda: server.revoke(names.logins, names.owner))


def _names(workspace: Owner) -> DatabaseNames:
    return database_names(workspace.namespace, workspace.name)


def _grant(names: DatabaseNames, logins: Logins, more: int = 0) -> DatabaseGrant:
    return DatabaseGrant(
        database=names.database,
        owner=names.owner,
        access=names.access,
        migration=Login(logins.migration.role, logins.migration.password),
        runtime=Login(logins.runtime.role, logins.runtime.password),
        connection_limit=CONNECTION_LIMIT + more,
    )


def _migrates(world: World, workspace: Owner) -> bool:
    """Whether a Job uses the migration login, which has no second one."""
    jobs = world.kube.search(JOB, workspace.namespace, selector_of(workspace, MIGRATION))
    return any(job_finished(job) is None for job in jobs)

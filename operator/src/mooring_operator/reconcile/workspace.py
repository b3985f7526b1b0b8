"""The pipeline of a workspace: from its spec to a server that is proven to keep artifacts."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial

from mooring.contract import published_name
from mooring_operator.api.base import ObjectMeta
from mooring_operator.api.binding import BindingSpec
from mooring_operator.api.conditions import (
    ARTIFACT_STORE_READY,
    DATABASE_READY,
    EXPOSED,
    MONITORED,
    ROUND_TRIP_VERIFIED,
    SERVER_AVAILABLE,
    Finding,
    Verdict,
    summary,
)
from mooring_operator.api.lifecycle import AnsweredStatus
from mooring_operator.api.workspace import WorkspaceSpec
from mooring_operator.api.workspaceclass import WorkspaceClassSpec
from mooring_operator.kube import BINDING, WORKSPACE, Manifest
from mooring_operator.plan.artifactstore import store_client
from mooring_operator.plan.auth import is_stale
from mooring_operator.plan.binding import own_binding, published_objects, workspace_of
from mooring_operator.plan.connection import Connection, ServerClient
from mooring_operator.plan.database import DatabaseClient
from mooring_operator.plan.deletion import dumped
from mooring_operator.plan.metadata import (
    AUTH,
    CLASS_ANNOTATION,
    CLEANUP_FINALIZER,
    DATABASE,
    STORE,
    Owner,
    belongs,
    namespaced_name,
)
from mooring_operator.plan.network import visitors
from mooring_operator.plan.rotation import Policy, policy_of
from mooring_operator.plan.trust import trusted
from mooring_operator.queue import Key
from mooring_operator.reconcile.auth import Granted, ensure_users
from mooring_operator.reconcile.database import Database, artifact_roots, ensure_database
from mooring_operator.reconcile.deletion import delete_workspace
from mooring_operator.reconcile.exposing import expose
from mooring_operator.reconcile.external import external_server
from mooring_operator.reconcile.findings import forget, found
from mooring_operator.reconcile.loading import (
    LoadedClass,
    access_of,
    admits,
    load_class,
    parse_spec,
    provisioned_class,
    with_version,
)
from mooring_operator.reconcile.monitoring import monitor
from mooring_operator.reconcile.provision import Access, credential_id, ensure_store
from mooring_operator.reconcile.publish import publish
from mooring_operator.reconcile.reaping import runs_of
from mooring_operator.reconcile.removal import list_asked
from mooring_operator.reconcile.report import report, report_suspended
from mooring_operator.reconcile.rollout import migrate, verify
from mooring_operator.reconcile.rotation import Kept, follow
from mooring_operator.reconcile.serving import keep_network, serve
from mooring_operator.reconcile.upgrade import UPGRADING, restore_database
from mooring_operator.reconcile.workloads import serves
from mooring_operator.reconcile.world import Outcome, World, apply, attempt, make, set_metadata

Findings = tuple[Finding | None, Finding | None, Finding | None]

_TYPES = (DATABASE_READY, ARTIFACT_STORE_READY, SERVER_AVAILABLE, ROUND_TRIP_VERIFIED)
_OF_OUR_SERVER = (DATABASE_READY, SERVER_AVAILABLE)
"""Not said of a server that somebody else runs: only the round trip tells of it."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A workspace as it was declared, its class, and the bindings around it."""

    owner: Owner
    live: Manifest
    spec: WorkspaceSpec
    class_: LoadedClass
    bindings: list[Manifest]
    admitted: list[Manifest]
    """Those of the claims that the workspace admits."""
    external: ServerClient | None
    """The tracking server, where somebody else runs it."""

    @property
    def claims(self) -> list[Manifest]:
        """The bindings that claim the workspace, whether or not it admits them."""
        return _claims(self.owner, self.bindings)

    @property
    def own_binding(self) -> Manifest | None:
        """The live binding of the workspace's own name."""
        mine = (self.owner.namespace, self.owner.name)
        return next((b for b in self.bindings if namespaced_name(b) == mine), None)


@dataclass(frozen=True, slots=True)
class Connected:
    """What the store answered, and what of it pods and server need."""

    connection: Connection
    access: Access
    granted: Granted | None


def reconcile_workspace(world: World, key: Key) -> Outcome:
    """Bring one workspace closer to what it declares, and report how far it is."""
    live = world.kube.get(WORKSPACE, key.namespace, key.name)
    if live is None:
        forget(key.namespace, key.name)
        world.pacing.forget(key)
        return Outcome()
    meta = ObjectMeta.model_validate(live["metadata"])
    owner = Owner("MlflowWorkspace", meta.namespace, meta.name, meta.uid)
    if meta.deletion_timestamp:
        latest = world.kube.anew(WORKSPACE, key.namespace, key.name)
        return delete_workspace(world, latest, owner) if latest else Outcome()
    if live.get("spec", {}).get("suspend"):
        return report_suspended(world, live)
    loaded = attempt(lambda: _load(world, live, owner))
    if isinstance(loaded, Finding):
        external = live.get("spec", {}).get("server", {}).get("external")
        types = [kind for kind in _TYPES if not (external and kind in _OF_OUR_SERVER)]
        verdicts = [Verdict(kind, loaded) for kind in types]
        fields: dict[str, object] = {"className": provisioned_class(live)}
        return report(world, live, [summary(verdicts, ""), *verdicts], fields)
    if CLEANUP_FINALIZER not in meta.finalizers:
        finalizers = [*meta.finalizers, CLEANUP_FINALIZER]
        annotations = {CLASS_ANNOTATION: loaded.class_.name}
        set_metadata(world, live, finalizers=finalizers, annotations=annotations)
    return _converge(world, loaded)


def _load(world: World, live: Manifest, owner: Owner) -> Loaded:
    """Read what the workspace depends on; raises Blocked.

    Only a workspace that admits others looks at bindings beyond its own namespace, so that a
    thousand workspaces do not list all bindings a thousand times.
    """
    spec = parse_spec(WorkspaceSpec, live)
    where = owner.namespace if spec.allowed_namespaces.from_ == "Same" else ""
    bindings = world.kube.known(BINDING, where)
    class_ = load_class(world.kube, live)
    allowed, claims = spec.allowed_namespaces, _claims(owner, bindings)
    claimants = {binding["metadata"]["namespace"] for binding in claims}
    admitted = {n for n in claimants if admits(world.kube, allowed, owner.namespace, n)}
    welcome = [binding for binding in claims if binding["metadata"]["namespace"] in admitted]
    external = external_server(world.kube, owner, spec)
    return Loaded(owner, live, spec, class_, bindings, welcome, external)


def _claims(owner: Owner, bindings: list[Manifest]) -> list[Manifest]:
    return [b for b in bindings if workspace_of(b) == (owner.namespace, owner.name)]


def _converge(world: World, loaded: Loaded) -> Outcome:
    owner, live, class_ = loaded.owner, loaded.live, loaded.class_.spec
    policy = policy_of(live, loaded.spec.rotation, class_.rotation)
    key = Key(WORKSPACE.kind, owner.namespace, owner.name)
    before = world.pacing.answered(key, live, world.queue)
    # the store first: pods wait for what it answers, and for nothing else
    store = attempt(lambda: _connect(world, loaded, policy, before.artifact_store))
    connection = store if isinstance(store, Finding) else store.connection
    root = connection.artifact_root if isinstance(connection, Connection) else None
    database = attempt(lambda: _database(world, loaded, policy, root, before.database))
    client = database if isinstance(database, Finding) else database.client
    audit = None if isinstance(database, Finding) else database.audit
    findings = _rollout(world, loaded, connection, client)
    if findings[1] is not None:
        names = visitors(owner, loaded.admitted, class_.launchers)
        attempt(lambda: keep_network(world, owner, class_.network_policy, names))
    credentials, pending = follow(
        world, owner, _kept(store, database, policy), loaded.claims, served=findings[1] is None
    )
    verdicts = [
        Verdict(DATABASE_READY, _finding(database) or findings[0], "the schema is current"),
        Verdict(ARTIFACT_STORE_READY, _finding(store), "the store knows the workspace"),
        Verdict(SERVER_AVAILABLE, findings[1], "the tracking server answers"),
        Verdict(ROUND_TRIP_VERIFIED, findings[2], "an artifact made the round trip"),
    ]
    ready = summary(verdicts, "a run and an artifact made the round trip")
    if loaded.external is not None:
        verdicts = [verdict for verdict in verdicts if verdict.type not in _OF_OUR_SERVER]
    fields: dict[str, object] = {
        "className": loaded.class_.name,
        "binding": {"name": published_name(owner.name)},
        "credentials": credentials,
        "answered": _answered(store, database),
        "findings": found(owner, audit),
        "deletion": dumped(list_asked(world, live, owner, loaded.spec, class_)),
    }
    if isinstance(connection, Connection):
        fields |= {"url": connection.tracking_uri, "artifactRoot": connection.store.root}
    if isinstance(database, Finding) or audit is not None:
        # pods that log where they should do not depend on it
        verdicts.append(artifact_roots(audit, root))
    if audit is not None and audit.in_pods:
        world.queue.add(runs_of(owner.namespace, owner.name))
    if class_.exposure and loaded.external is None:
        # pods do not depend on it
        exposure = class_.exposure
        url = attempt(lambda: expose(world, owner, exposure))
        fields["externalUrl"] = None if isinstance(url, Finding) else url
        verdicts.append(Verdict(EXPOSED, _finding(url), f"it answers to {url}"))
    if class_.monitoring and loaded.external is None:
        monitoring = class_.monitoring
        missing = attempt(lambda: monitor(world, owner, monitoring))
        verdicts.append(Verdict(MONITORED, missing, "Prometheus can find it"))
    outcome = report(world, live, [ready, *verdicts], fields)
    return Outcome(retry=outcome.retry or pending)


def _answered(store: Connected | Finding, database: Database | Finding) -> Manifest | None:
    """status.answered; None where nobody was asked."""
    status = AnsweredStatus(
        artifact_store=None if isinstance(store, Finding) else store.access.answered,
        database=None if isinstance(database, Finding) else database.answered,
    )
    return status.model_dump(by_alias=True, exclude_none=True) or None


def _kept(store: Connected | Finding, database: Database | Finding, policy: Policy) -> list[Kept]:
    """What is known of the workspace's credentials."""
    kept = []
    if not isinstance(store, Finding) and store.access.rotation:
        old = store.access.rotation.in_use
        kept.append(
            Kept(
                STORE,
                store.access.rotation,
                store.access.policy,
                lambda published: credential_id(published) in old,
            )
        )
    if not isinstance(store, Finding) and store.granted:
        users = store.granted.users
        kept.append(Kept(AUTH, store.granted.rotation, policy, partial(is_stale, users)))
    if not isinstance(database, Finding) and database.rotation:
        kept.append(Kept(DATABASE, database.rotation, policy))
    return kept


def _database(
    world: World, loaded: Loaded, policy: Policy, root: str | None, answered: str | None
) -> Database:
    owner, backend = loaded.owner, loaded.class_.spec.backend_store
    restore_database(world, loaded.live, owner, backend)
    auth = loaded.spec.auth is not None
    return ensure_database(world, owner, backend, policy, root, answered=answered, auth=auth)


def _connect(world: World, loaded: Loaded, policy: Policy, answered: str | None) -> Connected:
    """Have the store trust those whom admitted bindings name, and the bindings tell their pods."""
    owner, bindings = loaded.owner, loaded.admitted
    if loaded.own_binding is None:
        bindings = [*bindings, own_binding(owner)]
    # before the store, which may not answer: whoever is no longer admitted loses the login at once
    granted = ensure_users(world, owner, bindings, policy) if loaded.spec.auth else None
    if granted and granted.changed:
        _tell(world, map(namespaced_name, loaded.claims))
    artifacts = loaded.class_.spec.artifact_store
    accounts = trusted(owner, bindings)
    access = ensure_store(world, owner, artifacts, accounts, policy, answered=answered)
    store = store_client(artifacts, owner, access.values)
    connection = Connection(owner, store, access_of(loaded.spec, store), loaded.external)
    if granted:
        users = granted.users
        connection = replace(
            connection, login=users.login(users.logins.owner), key_digest=users.digest
        )
    _ensure_own_binding(world, loaded, connection)
    if access.changed:
        _tell(world, {(owner.namespace, owner.name), *map(namespaced_name, loaded.claims)})
    return Connected(connection, access, granted)


def _tell(world: World, bindings: Iterable[tuple[str, str]]) -> None:
    """Have these bindings looked at: what they publish has changed."""
    for binding in bindings:
        world.queue.add(Key(BINDING.kind, *binding), first=True)


def _ensure_own_binding(world: World, loaded: Loaded, connection: Connection) -> None:
    """Have the binding of the workspace's own name; one that its team made does as well."""
    owner, live = loaded.owner, loaded.own_binding
    if live is None:
        # pods wait for it: answered at once; the binding's own pipeline tells what is wrong
        with world.queue.holding(Key(BINDING.kind, owner.namespace, owner.name)):
            made = make(world, own_binding(owner))
            if made is None:
                # its team has made one: its event, which is late, asks for another look
                return
            target = Owner(BINDING.kind, owner.namespace, owner.name, made["metadata"]["uid"])
            spec = parse_spec(BindingSpec, made)
            attempt(lambda: publish(world, published_objects(target, spec, connection)))
    elif belongs(live, owner) or live not in loaded.claims:
        apply(world, own_binding(owner), live)


def _rollout(
    world: World,
    loaded: Loaded,
    connection: Connection | Finding,
    database: DatabaseClient | Finding,
) -> Findings:
    """Findings of migration, server and round trip.

    The first server starts beside the migration and waits for it by itself, which saves seconds;
    one that serves is replaced only when the schema fits its successor.
    """
    owner, spec = loaded.owner, loaded.spec
    class_ = attempt(lambda: with_version(owner, spec.server.version, loaded.class_))
    if isinstance(class_, Finding):
        waits = Finding("Waiting", "waits for a version that the class offers", waiting=True)
        return waits, class_, waits
    waits = Finding("Waiting", "waits for the database and the artifact store", waiting=True)
    if isinstance(database, Finding):
        return waits, waits, waits
    if loaded.external is not None:
        return None, None, _proof_alone(world, connection, class_)
    auth = spec.auth is not None
    migration = attempt(lambda: migrate(world, owner, class_, database, auth=auth))
    stopped = migration is not None and migration.reason == UPGRADING
    old = migration is not None and serves(world, owner)
    on_volume = class_.backend_store.sqlite is not None
    if isinstance(connection, Finding) or stopped or old:
        return waits if on_volume else migration, waits, waits
    names = visitors(owner, loaded.admitted, class_.launchers)
    server = attempt(
        lambda: serve(world, connection, class_, spec, visitors=names, database=database)
    )
    if isinstance(server, Finding):
        waits = Finding("Waiting", "waits for the tracking server", waiting=True)
        # a file on the volume is brought up to date by the server's own pod
        return server if on_volume else migration, server, waits
    return migration, None, attempt(lambda: verify(world, connection, class_, server))


def _proof_alone(
    world: World, connection: Connection | Finding, class_: WorkspaceClassSpec
) -> Finding | None:
    """The finding of the round trip through a server that somebody else runs."""
    if isinstance(connection, Finding):
        return Finding("Waiting", "waits for the artifact store", waiting=True)
    return attempt(lambda: verify(world, connection, class_, None))


def _finding(result: object) -> Finding | None:
    return result if isinstance(result, Finding) else None

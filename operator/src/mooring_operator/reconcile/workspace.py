"""The pipeline of a workspace: from its spec to a server that is proven to keep artifacts."""

from concurrent.futures import wait
from dataclasses import dataclass

from mooring.contract import published_name
from mooring_operator.api.base import ObjectMeta
from mooring_operator.api.conditions import (
    ARTIFACT_STORE_READY,
    DATABASE_READY,
    ROUND_TRIP_VERIFIED,
    SERVER_AVAILABLE,
    Finding,
    Verdict,
    summary,
)
from mooring_operator.api.workspace import WorkspaceSpec
from mooring_operator.api.workspaceclass import WorkspaceClassSpec
from mooring_operator.kube import BINDING, WORKSPACE, Kube, Manifest
from mooring_operator.plan.binding import own_binding, workspace_of
from mooring_operator.plan.connection import Connection
from mooring_operator.plan.metadata import CLASS_ANNOTATION, CLEANUP_FINALIZER, Owner, belongs
from mooring_operator.queue import Key
from mooring_operator.reconcile.deletion import delete_workspace
from mooring_operator.reconcile.loading import admits, load_class, parse_spec
from mooring_operator.reconcile.provision import StoreCredentials, ensure_database, ensure_store
from mooring_operator.reconcile.report import report
from mooring_operator.reconcile.rollout import migrate, serve, serves, verify
from mooring_operator.reconcile.world import Outcome, World, apply, attempt, set_metadata

Findings = tuple[Finding | None, Finding | None, Finding | None]

_TYPES = (DATABASE_READY, ARTIFACT_STORE_READY, SERVER_AVAILABLE, ROUND_TRIP_VERIFIED)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A workspace as it was declared, its class, and the bindings that claim it."""

    owner: Owner
    spec: WorkspaceSpec
    class_name: str
    class_: WorkspaceClassSpec
    claims: list[Key]


def reconcile_workspace(world: World, key: Key) -> Outcome:
    """Bring one workspace closer to what it declares, and report how far it is."""
    live = world.kube.get(WORKSPACE, key.namespace, key.name)
    if live is None:
        return Outcome()
    meta = ObjectMeta.model_validate(live["metadata"])
    owner = Owner("MlflowWorkspace", meta.namespace, meta.name, meta.uid)
    if meta.deletion_timestamp:
        return delete_workspace(world, live, owner)
    loaded = attempt(lambda: _load(world.kube, live, owner))
    if isinstance(loaded, Finding):
        verdicts = [Verdict(kind, loaded) for kind in _TYPES]
        return report(world, live, [summary(verdicts, ""), *verdicts], {})
    if CLEANUP_FINALIZER not in meta.finalizers:
        finalizers = [*meta.finalizers, CLEANUP_FINALIZER]
        annotations = {CLASS_ANNOTATION: loaded.class_name}
        set_metadata(world, live, finalizers=finalizers, annotations=annotations)
    return _converge(world, live, loaded)


def _load(kube: Kube, live: Manifest, owner: Owner) -> Loaded:
    spec = parse_spec(WorkspaceSpec, live)
    class_ = load_class(kube, live)
    return Loaded(owner, spec, class_.name, class_.spec, _claims(kube, owner, spec))


def _claims(kube: Kube, owner: Owner, spec: WorkspaceSpec) -> list[Key]:
    """The bindings that claim the workspace.

    Only a workspace that admits others looks beyond its own namespace, so that a thousand
    workspaces do not list all bindings a thousand times.
    """
    where = owner.namespace if spec.allowed_namespaces.from_ == "Same" else ""
    return [
        Key(BINDING.kind, binding["metadata"]["namespace"], binding["metadata"]["name"])
        for binding in kube.search(BINDING, where)
        if workspace_of(binding) == (owner.namespace, owner.name)
    ]


def _converge(world: World, live: Manifest, loaded: Loaded) -> Outcome:
    owner, class_ = loaded.owner, loaded.class_
    store, database = _provision(world, loaded)
    connection = None
    if isinstance(store, StoreCredentials):
        connection = Connection(owner, class_.artifact_store.s3, store.environment)
    findings = _rollout(world, class_, connection, owner, database)
    verdicts = [
        Verdict(DATABASE_READY, _finding(database) or findings[0], "the schema is current"),
        Verdict(ARTIFACT_STORE_READY, _finding(store), "the store knows the workspace"),
        Verdict(SERVER_AVAILABLE, findings[1], "the tracking server answers"),
        Verdict(ROUND_TRIP_VERIFIED, findings[2], "an artifact made the round trip"),
    ]
    fields = {
        "url": connection.tracking_uri if connection else None,
        "artifactRoot": connection.artifact_root if connection else None,
        "binding": {"name": published_name(owner.name)},
    }
    ready = summary(verdicts, "a run and an artifact made the round trip")
    return report(world, live, [ready, *verdicts], fields)


def _provision(world: World, loaded: Loaded) -> tuple[StoreCredentials | Finding, str | Finding]:
    """What the store and the database server answer.

    The two do not need each other, and pods need only the store to be told.
    """
    postgresql = loaded.class_.backend_store.postgresql
    database = world.threads.submit(
        attempt, lambda: ensure_database(world, loaded.owner, postgresql)
    )
    try:
        store = attempt(lambda: _publish(world, loaded))
    finally:
        # whatever the store did: two of these at once for one workspace would make two passwords
        wait((database,))
    return store, database.result()


def _publish(world: World, loaded: Loaded) -> StoreCredentials:
    """Have the store trust the admitted namespaces, then have the bindings tell their pods."""
    owner, allowed = loaded.owner, loaded.spec.allowed_namespaces
    claimants = {claim.namespace for claim in loaded.claims}
    admitted = {n for n in claimants if admits(world.kube, allowed, owner.namespace, n)}
    credentials = ensure_store(world, owner, loaded.class_.artifact_store.s3, admitted)
    _ensure_own_binding(world, owner)
    for key in {Key(BINDING.kind, owner.namespace, owner.name), *loaded.claims}:
        world.enqueue(key)
    return credentials


def _ensure_own_binding(world: World, owner: Owner) -> None:
    """Have the binding of the workspace's own name; one that its team made does as well."""
    live = world.kube.get(BINDING, owner.namespace, owner.name)
    theirs = live is not None and not belongs(live, owner)
    if live is None or not theirs or workspace_of(live) != (owner.namespace, owner.name):
        apply(world, own_binding(owner), live)


def _rollout(
    world: World,
    class_: WorkspaceClassSpec,
    connection: Connection | None,
    owner: Owner,
    database: str | Finding,
) -> Findings:
    """Findings of migration, server and round trip.

    The first server starts beside the migration and waits for it by itself, which saves seconds;
    one that serves is replaced only when the schema fits its successor.
    """
    waits = Finding("Waiting", "waits for the database and the artifact store", waiting=True)
    if isinstance(database, Finding):
        return waits, waits, waits
    migration = attempt(lambda: migrate(world, owner, class_, database))
    if connection is None or (migration is not None and serves(world, owner)):
        return migration, waits, waits
    server = attempt(lambda: serve(world, connection, class_, database))
    if isinstance(server, Finding):
        waits = Finding("Waiting", "waits for the tracking server", waiting=True)
        return migration, server, waits
    return migration, None, attempt(lambda: verify(world, connection, class_, server))


def _finding(result: object) -> Finding | None:
    return result if isinstance(result, Finding) else None

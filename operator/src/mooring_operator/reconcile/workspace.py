"""The pipeline of a workspace: from its spec to a server that is proven to keep artifacts."""

from dataclasses import dataclass

from mooring.contract import published_name
from mooring_operator.api.base import ObjectMeta
from mooring_operator.api.binding import BindingSpec
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
from mooring_operator.plan.binding import own_binding
from mooring_operator.plan.connection import Connection
from mooring_operator.plan.metadata import CLEANUP_FINALIZER, Owner
from mooring_operator.queue import Key
from mooring_operator.reconcile.deletion import delete_workspace
from mooring_operator.reconcile.loading import load_class, namespace_labels, parse_spec
from mooring_operator.reconcile.provision import StoreCredentials, ensure_database, ensure_store
from mooring_operator.reconcile.report import report
from mooring_operator.reconcile.rollout import migrate, serve, verify
from mooring_operator.reconcile.world import Blocked, Outcome, World, ensure


@dataclass(frozen=True, slots=True)
class Loaded:
    """A workspace as it was declared, and what it depends on."""

    owner: Owner
    spec: WorkspaceSpec
    class_: WorkspaceClassSpec
    bindings: list[tuple[str, str]]


def reconcile_workspace(world: World, key: Key) -> Outcome:
    """Bring one workspace closer to what it declares, and report how far it is."""
    live = world.kube.get(WORKSPACE, key.namespace, key.name)
    if live is None:
        return Outcome()
    meta = ObjectMeta.model_validate(live["metadata"])
    owner = Owner("MlflowWorkspace", meta.namespace, meta.name, meta.uid)
    if meta.deletion_timestamp:
        return delete_workspace(world, live, owner)
    try:
        loaded = _load(world.kube, live, owner)
    except Blocked as blocked:
        verdicts = [Verdict(kind, blocked.finding) for kind in _TYPES]
        return report(world, live, [summary(verdicts, ""), *verdicts], {})
    if CLEANUP_FINALIZER not in meta.finalizers:
        world.kube.set_finalizers(live, [*meta.finalizers, CLEANUP_FINALIZER])
    return _converge(world, live, loaded)


_TYPES = (DATABASE_READY, ARTIFACT_STORE_READY, SERVER_AVAILABLE, ROUND_TRIP_VERIFIED)


def _load(kube: Kube, live: Manifest, owner: Owner) -> Loaded:
    spec = parse_spec(WorkspaceSpec, live)
    return Loaded(owner, spec, load_class(kube, spec.class_name), _bindings(kube, owner, spec))


def _converge(world: World, live: Manifest, loaded: Loaded) -> Outcome:
    owner, class_ = loaded.owner, loaded.class_
    # the two outside things do not need each other, and pods need only the store to be told
    database = world.threads.submit(_database, world, loaded)
    store = _store(world, loaded)
    database_digest = database.result()
    connection = None
    if isinstance(store, StoreCredentials):
        connection = Connection(owner, class_.artifact_store.s3, store.environment)
    findings = _rollout(world, class_, connection, owner, database_digest)
    verdicts = [
        Verdict(DATABASE_READY, _finding(database_digest) or findings[0], "the schema is current"),
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


def _rollout(
    world: World,
    class_: WorkspaceClassSpec,
    connection: Connection | None,
    owner: Owner,
    database: str | Finding,
) -> tuple[Finding | None, Finding | None, Finding | None]:
    """Findings of migration, server and round trip; each step waits for the one before."""
    waits = Finding("Waiting", "waits for the database and the artifact store", waiting=True)
    if isinstance(database, Finding):
        return waits, waits, waits
    migration = migrate(world, owner, class_, database)
    if migration is not None or connection is None:
        return migration, waits, waits
    server = serve(world, connection, class_, database)
    if server is not None:
        waits = Finding("Waiting", "waits for the tracking server", waiting=True)
        return None, server, waits
    return None, None, verify(world, connection, class_)


def _store(world: World, loaded: Loaded) -> StoreCredentials | Finding:
    owner = loaded.owner
    try:
        namespaces = {namespace for namespace, _ in loaded.bindings}
        s3 = loaded.class_.artifact_store.s3
        credentials = ensure_store(world, owner, s3, namespaces)
    except Blocked as blocked:
        return blocked.finding
    ensure(world, own_binding(owner))
    for namespace, name in {(owner.namespace, owner.name), *loaded.bindings}:
        world.enqueue(Key("MlflowBinding", namespace, name))
    return credentials


def _database(world: World, loaded: Loaded) -> str | Finding:
    try:
        return ensure_database(world, loaded.owner, loaded.class_.backend_store.postgresql)
    except Blocked as blocked:
        return blocked.finding


def _bindings(kube: Kube, owner: Owner, spec: WorkspaceSpec) -> list[tuple[str, str]]:
    """Namespace and name of the admitted bindings of other namespaces.

    Only a workspace that admits others looks beyond its own namespace, so that a thousand
    workspaces do not list all bindings a thousand times.
    """
    allowed = spec.allowed_namespaces
    if allowed.from_ == "Same":
        return []
    admitted = []
    for binding in kube.search(BINDING):
        namespace, name = binding["metadata"]["namespace"], binding["metadata"]["name"]
        ref = parse_spec(BindingSpec, binding).workspace_ref
        if (ref.namespace or namespace, ref.name) != (owner.namespace, owner.name):
            continue
        labels = namespace_labels(kube, namespace)
        if allowed.admits(owner.namespace, namespace, labels):
            admitted.append((namespace, name))
    return admitted


def _finding(result: object) -> Finding | None:
    return result if isinstance(result, Finding) else None

"""The pipeline of a workspace class: prove the admin connections."""

from mooring_operator.api.azure import AzureStore
from mooring_operator.api.conditions import (
    ARTIFACT_STORE_READY,
    DATABASE_READY,
    Finding,
    Verdict,
    summary,
)
from mooring_operator.api.gcs import GcsStore
from mooring_operator.api.s3 import S3Store
from mooring_operator.api.workspaceclass import WorkspaceClassSpec
from mooring_operator.kube import WORKSPACE_CLASS
from mooring_operator.plan.database import (
    CONNECTION_LIMIT,
    IDLE_CONNECTIONS,
    LOGIN_CONNECTIONS,
)
from mooring_operator.queue import Key
from mooring_operator.reconcile.loading import parse_spec
from mooring_operator.reconcile.outside import artifact_store, database_server
from mooring_operator.reconcile.report import report
from mooring_operator.reconcile.world import Blocked, Outcome, World, ask, attempt


def reconcile_class(world: World, key: Key) -> Outcome:
    """Check that both admin connections of the class work, and say so in its status."""
    live = world.kube.get(WORKSPACE_CLASS, "", key.name)
    if live is None:
        return Outcome()
    try:
        spec = parse_spec(WorkspaceClassSpec, live)
    except Blocked as blocked:
        return report(world, live, [summary([Verdict("", blocked.finding)], "")], {})
    store = attempt(lambda: ask(artifact_store(world.kube, spec.artifact_store).check))
    connections = attempt(lambda: ask(lambda: _prove(world, spec)))
    database = connections if isinstance(connections, Finding) else None
    usable = None if isinstance(connections, Finding) else connections
    parts = [
        Verdict(ARTIFACT_STORE_READY, store, _artifacts_hold(spec)),
        Verdict(DATABASE_READY, database, _database_holds(spec, usable)),
    ]
    verdicts = [summary(parts, "the admin connections work"), *parts]
    return report(world, live, verdicts, {})


def _prove(world: World, spec: WorkspaceClassSpec) -> int | None:
    """Prove the connection to the database server; how many it has for workspaces."""
    server = database_server(world.kube, spec.backend_store)
    server.check()
    return server.connections()


def _artifacts_hold(spec: WorkspaceClassSpec) -> str:
    match spec.artifact_store.chosen:
        case S3Store() as s3:
            if s3.bucket is None:
                return "the S3 and IAM APIs answer; each workspace gets a bucket"
            return f"bucket {s3.bucket} and its IAM API answer"
        case AzureStore() as azure:
            return f"storage account {azure.account} accepts the key"
        case GcsStore() as gcs:
            return f"bucket {gcs.bucket} lets the service account in"
        case _:
            return "each workspace gets a volume"


def _database_holds(spec: WorkspaceClassSpec, connections: int | None) -> str:
    server = spec.backend_store.postgresql
    if server is None or connections is None:
        return "each workspace gets a file on its volume"
    with_users = CONNECTION_LIMIT + LOGIN_CONNECTIONS
    return (
        f"{server.host}:{server.port} admits the admin; its {connections} connections are enough "
        f"for {connections // IDLE_CONNECTIONS} workspaces that idle, and for "
        f"{connections // CONNECTION_LIMIT} of them at their peak all at once, "
        f"{connections // with_users} where all have spec.auth"
    )

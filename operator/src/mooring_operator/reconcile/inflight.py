"""Runs that a deletion waits for, because it would break them off."""

from datetime import UTC, datetime, timedelta
from typing import Final

from mooring_operator.api.backendstore import (
    BackendStore,
    ExistingDatabase,
    PostgresqlStore,
    SqliteStore,
)
from mooring_operator.api.conditions import Finding
from mooring_operator.api.external import ExternalDatabase
from mooring_operator.kube import NAMESPACE
from mooring_operator.plan.deletion import force_command
from mooring_operator.plan.metadata import Owner
from mooring_operator.reconcile.outside import database_data, existing_records
from mooring_operator.reconcile.reaping import runs_of
from mooring_operator.reconcile.world import World, ask, attempt
from mooring_operator.stores.contents import Records, Run
from mooring_operator.stores.names import database_names

RUNS_IN_FLIGHT: Final = "RunsInFlight"

_LONGEST_NAME: Final = 64


def runs_in_flight(
    world: World, workspace: Owner, store: BackendStore, grace: timedelta
) -> Finding | None:
    """What a deletion of the workspace would break off; None for nothing, or nothing known.

    MLflow is not told of the end of a pod that was killed. The reaper, which is asked to look,
    closes such runs, but not every run names its pod. What ends the wait is `grace`, which is as
    long as a training pod may run. In a namespace that ends too nothing is asked: its pods, the
    tracking server among them, go whatever is done here.
    Raises Blocked when the database server of the class does not tell.
    """
    namespace = world.kube.get(NAMESPACE, "", workspace.namespace)
    if namespace and "deletionTimestamp" in namespace["metadata"]:
        return None
    first = datetime.fromisoformat(world.now()) - grace
    records = _records(world, workspace, store, int(first.timestamp() * 1000))
    if not records or not records.in_flight:
        return None
    world.queue.add(runs_of(workspace.namespace, workspace.name))
    return told(workspace, records, grace)


def told(workspace: Owner, records: Records, grace: timedelta) -> Finding:
    """Which runs a deletion waits for, the last one to start first, and how long."""
    runs = records.newest
    named = "; ".join(
        f"run {run.id} of experiment {run.experiment[:_LONGEST_NAME]!r}, started {_time(run)}"
        for run in runs
    )
    others = records.in_flight - len(runs)
    more = f"; and {others} more" if others else ""
    return Finding(
        RUNS_IN_FLIGHT,
        f"runs have not ended, and nothing is revoked or deleted before they have: {named}{more}. "
        f"The deletion goes on by itself when they end, at {_time(runs[0], grace)} at the latest: "
        "no training pod runs longer (rotation.grace). To end one whose pod is gone: "
        f"mlflow.MlflowClient().set_terminated({runs[0].id!r}, 'KILLED'). To break them off: "
        f"{force_command(workspace)}",
    )


def _time(run: Run, later: timedelta = timedelta()) -> str:
    time = datetime.fromtimestamp(run.started / 1000, UTC) + later
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _records(world: World, workspace: Owner, store: BackendStore, since: int) -> Records | None:
    match store.chosen:
        case PostgresqlStore() as server:
            names = database_names(workspace.namespace, workspace.name)
            data = database_data(world.kube, server, names)
            return ask(lambda: data.read(since))
        case ExistingDatabase() as existing:
            namespace = workspace.namespace
            found = attempt(lambda: existing_records(world.kube, existing, namespace, since))
            # the team's own Secret may go together with the workspace
            return None if isinstance(found, Finding) else found
        case SqliteStore() | ExternalDatabase():
            # nobody but the server can read it
            return None

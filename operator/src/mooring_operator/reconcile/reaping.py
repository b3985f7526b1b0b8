"""The reaper: runs that say RUNNING although their pod has ended are closed, and say why.

MLflow is not told of the end of a pod that was killed. Why this does not go through its server:
docs/decisions/0012-the-reaper-writes-to-the-database.md.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import structlog

from mooring_operator.api.backendstore import PostgresqlStore
from mooring_operator.api.conditions import READY, Finding, Verdict
from mooring_operator.kube import BINDING, POD, WORKSPACE, KubeError
from mooring_operator.metrics import CLOSED_RUNS
from mooring_operator.plan.binding import workspace_of
from mooring_operator.plan.metadata import Owner
from mooring_operator.plan.reaping import GRACE, LIVING, End, end_of, is_over, known_as, pod_named
from mooring_operator.plan.refusal import GUARD_REFUSED, refusal_of
from mooring_operator.plan.silent import succeeded
from mooring_operator.queue import Key
from mooring_operator.reconcile.database import database_grant
from mooring_operator.reconcile.loading import load_class
from mooring_operator.reconcile.outside import database_runs
from mooring_operator.reconcile.silent import look_at_succeeded
from mooring_operator.reconcile.transitions import announce
from mooring_operator.reconcile.world import Blocked, Outcome, World, ask, attempt
from mooring_operator.stores.protocol import Closing, DatabaseRuns, OpenRun

log = structlog.get_logger()

RUNS: Final = "Runs"
"""Kind of the keys by which the runs of a workspace are looked at."""
AGAIN_S: Final = 20.0


def runs_of(namespace: str, name: str) -> Key:
    """The key by which the runs of a workspace are looked at."""
    return Key(RUNS, namespace, name)


def pod_ended(world: World, workspace: Key, metadata: Mapping[str, Any]) -> None:
    """Keep how a pod ended that was bound to `workspace`, and look at its runs soon.

    One that its guard did not let start is told of by an Event, which outlives the pod.
    """
    namespace, name = metadata["namespace"], metadata["name"]
    try:
        pod = world.kube.get(POD, namespace, name)
    except KubeError as error:
        log.info("nobody says how a pod ended", pod=f"{namespace}/{name}", error=str(error))
    else:
        if (end := end_of(pod)) is not None:
            end = replace(end, at=end.at or datetime.fromisoformat(world.now()))
            for each in known_as(pod or {"metadata": metadata}):
                world.ends.keep(namespace, each, end)
        if pod is not None and (ended := succeeded(pod)):
            world.succeeded.keep(runs_of(workspace.namespace, workspace.name), ended)
        if pod is not None and (refusal := refusal_of(pod)):
            announce(world, pod, Verdict(READY, Finding(GUARD_REFUSED, refusal)))
    world.queue.add_after(runs_of(workspace.namespace, workspace.name), GRACE.total_seconds())


def reap_runs(world: World, key: Key) -> Outcome:
    """Close the runs of one workspace whose pods have ended; tell of those that left none.

    Only where the operator made the database: a SQLite file only its server opens, and in another
    database there may be runs of other clusters. A deletion that waits for them goes on at once.
    """
    live = world.kube.get(WORKSPACE, key.namespace, key.name)
    ends = live is not None and "deletionTimestamp" in live["metadata"]
    if live is None or (live.get("spec", {}).get("suspend") and not ends):
        world.succeeded.take(key)
        return Outcome()
    loaded = attempt(lambda: load_class(world.kube, live))
    if isinstance(loaded, Finding):
        return Outcome()
    store = loaded.spec.backend_store.chosen
    if not isinstance(store, PostgresqlStore):
        world.succeeded.take(key)
        return Outcome()
    owner = Owner(WORKSPACE.kind, key.namespace, key.name, live["metadata"]["uid"])
    grant = database_grant(world.kube, owner)

    def connect() -> DatabaseRuns:
        return database_runs(world.kube, store, grant.database, grant.migration)

    found = attempt(lambda: _look(world, key, connect))
    if isinstance(found, Finding):
        log.info("runs could not be looked at", key=str(key), why=found.message)
        # the logins of a workspace that ends are gone
        return Outcome(retry=not ends)
    if found and ends:
        world.queue.add(Key(WORKSPACE.kind, key.namespace, key.name))
    return Outcome()


def _look(world: World, key: Key, connect: Callable[[], DatabaseRuns]) -> int:
    """Look at pods and then at runs; how many of these were closed. Raises Blocked.

    What is closed now was still running when its pod ended.
    """
    ended = world.succeeded.take(key)
    try:
        runs = connect()
        look_at_succeeded(world, key, ended, runs)
    except (Blocked, KubeError):
        world.succeeded.again(key, ended)
        raise
    return _reap(world, key, runs)


def _reap(world: World, key: Key, runs: DatabaseRuns) -> int:
    """Close them; how many."""
    now = datetime.fromisoformat(world.now())
    closings = []
    for run, end in _without_a_pod(world, key, ask(runs.open)):
        if is_over(end, run.sign_of_life, now):
            closings.append(Closing(run.id, end.status, end.why, end.at or now))
        else:
            world.queue.add_after(key, AGAIN_S)
    closed = set(ask(lambda: runs.close(closings))) if closings else set()
    for each in closings:
        if each.run in closed:
            CLOSED_RUNS.labels(each.status).inc()
            log.info("closed a run", workspace=f"{key.namespace}/{key.name}", run=each.run,
                     status=each.status, why=each.why)  # fmt: skip
    return len(closed)


def _without_a_pod(world: World, key: Key, found: list[OpenRun]) -> Iterator[tuple[OpenRun, End]]:
    """The runs whose pods do not live any more, and how those ended.

    Whoever may write to the workspace may write any tag: only what is bound to it is told of.
    """
    runs: defaultdict[str, defaultdict[str, list[OpenRun]]] = defaultdict(lambda: defaultdict(list))
    for run in found:
        place = pod_named(run.pod, run.binding)
        if place is not None:
            runs[place[0]][place[1]].append(run)
    for namespace, pods in runs.items():
        if not _is_bound(world, key, namespace):
            continue
        # the runs were read before: a pod that is not among these has ended
        living = frozenset(world.kube.names(POD, namespace, LIVING))
        ended = {name: world.kube.get(POD, namespace, name) for name in pods.keys() - living}
        others = _known_as(world, namespace) if None in ended.values() else frozenset()
        for name, pod in ended.items():
            if pod is None and name in others:
                continue
            end = (world.ends.of(namespace, name) if pod is None else None) or end_of(pod)
            if end is not None:
                yield from ((run, end) for run in pods[name])


def _known_as(world: World, namespace: str) -> frozenset[str]:
    """What the processes in the living pods of a namespace may take for their pod's name."""
    pods = world.kube.walk(POD, "", namespace, LIVING)
    return frozenset(name for pod in pods for name in known_as(pod))


def _is_bound(world: World, workspace: Key, namespace: str) -> bool:
    """Whether a binding of the namespace claims the workspace."""
    bindings = world.kube.known(BINDING, namespace)
    return any(workspace_of(each) == (workspace.namespace, workspace.name) for each in bindings)

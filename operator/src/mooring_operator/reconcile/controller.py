"""The controller: workers that take keys from the queue and run the pipeline of their kind."""

import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from mooring_operator.kube import BINDING, WORKSPACE, WORKSPACE_CLASS, KubeError
from mooring_operator.metrics import RECONCILE, timed
from mooring_operator.queue import Key
from mooring_operator.reconcile.binding import reconcile_binding
from mooring_operator.reconcile.reaping import RUNS, reap_runs
from mooring_operator.reconcile.unmoored import PODS, look_at_pods, pods_of
from mooring_operator.reconcile.workspace import reconcile_workspace
from mooring_operator.reconcile.workspaceclass import reconcile_class
from mooring_operator.reconcile.world import Outcome, World

log = structlog.get_logger()

Pipeline = Callable[[World, Key], Outcome]

PIPELINES: Final[Mapping[str, Pipeline]] = {
    WORKSPACE_CLASS.kind: reconcile_class,
    WORKSPACE.kind: reconcile_workspace,
    BINDING.kind: reconcile_binding,
    RUNS: reap_runs,
    PODS: look_at_pods,
}

GATHER_S: Final = 0.2
SPREAD_S: Final = 60.0
"""Within which all is looked at that nobody waits for: each look asks store and database."""
RESYNC_RETRY_S: Final = 2.0
WAITING_LIMIT_S: Final = 300.0
HELD_LIMIT_S: Final = 3600.0
"""Longer than the copy of a large database takes: a restart would begin that anew."""


class Controller:
    """Worker threads over the queue.

    `resync_s` is the time between full resyncs, the first of which is at the start. Before each
    `anew` is called, so that nothing is taken for granted; it may raise KubeError.
    """

    def __init__(
        self, world: World, workers: int, resync_s: float, anew: Callable[[], None]
    ) -> None:
        self._world = world
        self._anew = anew
        self._queue = world.queue
        self._stopping = threading.Event()
        self._wanted = threading.Event()
        self._begun = threading.Event()
        self._resync_s = resync_s
        self._workers = workers
        self._first: set[Key] | None = None
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True)
            for number in range(workers)
        ]
        self._threads.append(threading.Thread(target=self._resync, name="resync", daemon=True))

    def start(self) -> None:
        """Start the workers, with a look at everything."""
        self._wanted.set()
        for thread in self._threads:
            thread.start()

    def stop(self, patience_s: float) -> bool:
        """Let each worker finish what it holds, for `patience_s` seconds; whether all have."""
        self._stopping.set()
        self._wanted.set()
        self._begun.set()
        self._queue.close()
        deadline = time.monotonic() + patience_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def trouble(self) -> str:
        """What only a restart of the process mends; empty while all is well."""
        dead = [thread.name for thread in self._threads if not thread.is_alive()]
        if dead:
            return f"threads have ended: {', '.join(dead)}"
        load = self._queue.load()
        if load.held_s > HELD_LIMIT_S:
            return f"a reconcile has not ended for {load.held_s:.0f} s"
        if load.waiting_s > WAITING_LIMIT_S and load.held < self._workers:
            return f"a key has waited for {load.waiting_s:.0f} s beside a worker without one"
        return ""

    def synced(self) -> bool:
        """Whether every object that was there at the start has been looked at once."""
        return self._first is not None and not self._first

    def reconcile(self, key: Key) -> str:
        """Run the pipeline of one key; the result's name. What goes wrong is retried."""
        try:
            outcome = PIPELINES[key.kind](self._world, key)
        except KubeError as error:
            # 409: someone else wrote in between, the next look decides anew
            level = log.info if error.status == 409 else log.warning
            level("the API server refused", key=str(key), status=error.status, error=str(error))
            self._queue.retry(key)
            return "conflict" if error.status == 409 else "refused"
        except Exception:  # a bug in one pipeline must not take the others down
            log.exception("reconcile failed", key=str(key))
            self._queue.retry(key)
            return "error"
        if outcome.retry:
            self._queue.retry(key)
            return "blocked"
        self._queue.forget(key)
        return "done"

    def _work(self) -> None:
        # one list of each kind is less than a thousand questions
        self._begun.wait()
        while (key := self._queue.take()) is not None:
            with timed(RECONCILE, key.kind) as result:
                try:
                    result.name = self.reconcile(key)
                finally:
                    self._queue.done(key)
                    if self._first:
                        self._first.discard(key)

    def resync(self) -> None:
        """Have every object of ours reconciled soon: events may have been missed."""
        self._wanted.set()

    def _resync(self) -> None:
        while True:
            self._wanted.wait(self._resync_s)
            # all watches of a process lose their place at the same time
            if self._stopping.wait(GATHER_S):
                return
            missed = self._wanted.is_set()
            self._wanted.clear()
            try:
                self._anew()
                self._enqueue_all(spread=not missed)
            except KubeError as error:
                log.warning("resync failed", error=str(error))
                self._stopping.wait(RESYNC_RETRY_S)
                self._wanted.set()
            self._begun.set()

    def _enqueue_all(self, *, spread: bool) -> None:
        keys = [
            Key(kind.kind, live["metadata"].get("namespace", ""), live["metadata"]["name"])
            for kind in (WORKSPACE_CLASS, WORKSPACE, BINDING)
            for live in self._world.kube.known(kind)
        ]
        if self._first is None:
            self._first = set(keys)
        pods = [pods_of(name) for name in {k.namespace for k in keys if k.kind == BINDING.kind}]
        if not spread:
            for key in keys:
                self._queue.add(key)
        for key in [*keys, *pods] if spread else pods:
            self._queue.add_after(key, SPREAD_S * random.random())  # noqa: S311 (no secret)

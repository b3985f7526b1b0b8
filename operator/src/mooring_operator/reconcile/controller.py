"""The controller: workers that take keys from the queue and run the pipeline of their kind."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

import structlog
from prometheus_client import Counter, Histogram

from mooring_operator.kube import BINDING, WORKSPACE, WORKSPACE_CLASS, KubeError
from mooring_operator.queue import Key
from mooring_operator.reconcile.binding import reconcile_binding
from mooring_operator.reconcile.workspace import reconcile_workspace
from mooring_operator.reconcile.workspaceclass import reconcile_class
from mooring_operator.reconcile.world import Outcome, World

log = structlog.get_logger()

Pipeline = Callable[[World, Key], Outcome]

PIPELINES: Final[Mapping[str, Pipeline]] = {
    WORKSPACE_CLASS.kind: reconcile_class,
    WORKSPACE.kind: reconcile_workspace,
    BINDING.kind: reconcile_binding,
}

GATHER_S: Final = 0.2
RESYNC_RETRY_S: Final = 2.0

RECONCILES: Final = Counter(
    "mooring_reconcile_total", "Reconciles by kind and result.", ["kind", "result"]
)
SECONDS: Final = Histogram("mooring_reconcile_seconds", "Duration of reconciles.", ["kind"])


class Controller:
    """Worker threads over the queue.

    `resync_s` is the time between full resyncs, before each of which `anew` is called, so that
    nothing is taken for granted.
    """

    def __init__(
        self, world: World, workers: int, resync_s: float, anew: Callable[[], None]
    ) -> None:
        self._world = world
        self._anew = anew
        self._queue = world.queue
        self._stopping = threading.Event()
        self._wanted = threading.Event()
        self._resync_s = resync_s
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True)
            for number in range(workers)
        ]
        self._threads.append(threading.Thread(target=self._resync, name="resync", daemon=True))

    def start(self) -> None:
        """Start the workers."""
        for thread in self._threads:
            thread.start()

    def stop(self, patience_s: float) -> None:
        """Let each worker finish what it holds, for `patience_s` seconds at most."""
        self._stopping.set()
        self._wanted.set()
        self._queue.close()
        deadline = time.monotonic() + patience_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def healthy(self) -> bool:
        """Whether every worker lives."""
        return all(thread.is_alive() for thread in self._threads)

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
        while (key := self._queue.take()) is not None:
            started = time.monotonic()
            try:
                result = self.reconcile(key)
            finally:
                self._queue.done(key)
            RECONCILES.labels(key.kind, result).inc()
            SECONDS.labels(key.kind).observe(time.monotonic() - started)

    def resync(self) -> None:
        """Have every object of ours reconciled soon: events may have been missed."""
        self._wanted.set()

    def _resync(self) -> None:
        while not self._stopping.is_set():
            self._wanted.wait(self._resync_s)
            # all watches of a process lose their place at the same time
            self._stopping.wait(GATHER_S)
            self._wanted.clear()
            self._anew()
            try:
                self.enqueue_all()
            except KubeError as error:
                log.warning("resync failed", error=str(error))
                self._stopping.wait(RESYNC_RETRY_S)
                self._wanted.set()

    def enqueue_all(self) -> None:
        """Have every object of ours reconciled."""
        for kind in (WORKSPACE_CLASS, WORKSPACE, BINDING):
            for live in self._world.kube.search(kind):
                metadata = live["metadata"]
                self._queue.add(Key(kind.kind, metadata.get("namespace", ""), metadata["name"]))

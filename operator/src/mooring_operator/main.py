"""The operator's process: settings, health and metrics, lease, watches and workers."""

import gc
import logging
import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog

from mooring_operator.apiserver import ApiServer
from mooring_operator.cache import Cache
from mooring_operator.health import serve_health
from mooring_operator.kube import KubeError
from mooring_operator.lease import Alone, Lease
from mooring_operator.metrics import LEADER, QUEUE_DEPTH, QUEUE_HELD, QUEUE_OLDEST
from mooring_operator.queue import WorkQueue
from mooring_operator.reconcile.controller import Controller
from mooring_operator.reconcile.reaping import pod_ended
from mooring_operator.reconcile.unmoored import pod_appeared
from mooring_operator.reconcile.world import World
from mooring_operator.watches import LISTED, STREAMS, Watches, is_watched

log = structlog.get_logger()

RESYNC_S: Final = 600.0
STOP_PATIENCE_S: Final = 20.0
LOG_LEVELS: Final = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Options:
    """How the process runs, from its environment.

    MOORING_WORKERS, MOORING_LOG_LEVEL, MOORING_HTTP_PORT; MOORING_LEASE, where several processes
    run, is `namespace/name`, and MOORING_IDENTITY what this one is called in it.
    """

    workers: int
    log_level: str
    http_port: int
    lease: tuple[str, str] | None
    identity: str

    @classmethod
    def from_environment(cls) -> "Options":
        """Read the options; raises SystemExit with a sentence for a value that is none."""
        level = os.environ.get("MOORING_LOG_LEVEL", "info").lower()
        if level not in LOG_LEVELS:
            raise SystemExit(f"MOORING_LOG_LEVEL is {level!r}; set one of {', '.join(LOG_LEVELS)}")
        return cls(
            workers=_number("MOORING_WORKERS", 8),
            log_level=level,
            http_port=_number("MOORING_HTTP_PORT", 8080),
            lease=_lease(),
            identity=os.environ.get("MOORING_IDENTITY") or socket.gethostname(),
        )


def _lease() -> tuple[str, str] | None:
    value = os.environ.get("MOORING_LEASE", "")
    if not value:
        return None
    namespace, _, name = value.partition("/")
    if not namespace or not name:
        raise SystemExit(f"MOORING_LEASE is {value!r}; set NAMESPACE/NAME")
    return namespace, name


def _number(name: str, default: int) -> int:
    value = os.environ.get(name, str(default))
    if not value.isdecimal() or int(value) == 0:
        raise SystemExit(f"{name} is {value!r}; set a number from 1 on")
    return int(value)


def main() -> None:
    """Run until SIGTERM; what is in hand is finished first."""
    options = Options.from_environment()
    # nine of ten objects are what was imported, which the collector need not look through for ever
    gc.collect()
    gc.freeze()
    configure_logging(options.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        lease: Lease | Alone = Alone()
        if options.lease:
            # connections of its own: renewing must not wait for workers
            lease = Lease(ApiServer(1), *options.lease, options.identity)
        # two for each worker, one for each metadata stream and for the resync
        api_server = ApiServer(2 * options.workers + STREAMS + 1, may_write=lease.held)
    except KubeError as error:
        raise SystemExit(str(error)) from None
    # for what a worker asks of the API server beside its own call: one thread for each worker
    with ThreadPoolExecutor(options.workers, "beside") as threads:
        cache = Cache(api_server, is_watched, LISTED)
        world = World(cache, WorkQueue(), threads, _now)
        controller = Controller(world, options.workers, RESYNC_S, cache.refresh)
        watches = Watches(
            api_server,
            world.queue.add,
            cache.told,
            controller.resync,
            ended=partial(pod_ended, world),
            unbound=partial(pod_appeared, world),
        )
        Operator(options.http_port, lease, world.queue, controller, watches).run(stop)


class Operator:
    """The parts of the process, and what they say of its health."""

    def __init__(
        self,
        port: int,
        lease: Lease | Alone,
        queue: WorkQueue,
        controller: Controller,
        watches: Watches,
    ) -> None:
        self._port = port
        self._lease = lease
        self._queue = queue
        self._controller = controller
        self._watches = watches
        self._leads = False

    def run(self, stop: threading.Event) -> None:
        """Wait for the lease and work, until `stop` is set; or raise what ended a watch."""
        QUEUE_DEPTH.set_function(lambda: self._queue.load().waiting)
        QUEUE_HELD.set_function(lambda: self._queue.load().held)
        QUEUE_OLDEST.set_function(lambda: self._queue.load().waiting_s)
        LEADER.set_function(self._lease.held)
        health = serve_health(self._port, self.trouble, self.unready)
        if self._lease.acquire(stop):
            self._lease.keep(_lost)
            self._watches.start()
            self._controller.start()
            self._leads = True
            try:
                self._watches.run(stop)
            finally:
                # what still runs may still write: then the lease runs out by itself
                if self._controller.stop(STOP_PATIENCE_S):
                    self._lease.release()
        health.shutdown()

    def trouble(self) -> str:
        """What only a restart mends; empty while all is well."""
        return (self._controller.trouble() or self._watches.trouble()) if self._leads else ""

    def unready(self) -> str:
        """What the process waits for before it is of use; empty when it is.

        One that does not hold the lease is of use while somebody does: it stands by.
        """
        if not self._leads:
            return "" if self._lease.led() else "nobody holds the lease yet"
        if not self._lease.held():
            return "the lease could not be renewed"
        return "" if self._controller.synced() else "not everything has been looked at yet"


def _lost() -> None:
    log.error("another process holds the lease; this one ends")
    # at once: to finish what is in hand would be to work beside the other
    os._exit(1)


def configure_logging(level: str) -> None:
    """Log lines as JSON on standard error, kopf's warnings among them."""
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processor=structlog.processors.JSONRenderer(), foreign_pre_chain=shared
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


if __name__ == "__main__":
    main()

"""The operator's process: settings, health and metrics, watches and workers."""

import asyncio
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import kopf
import structlog

from mooring_operator.health import serve_health
from mooring_operator.kube import ApiServer
from mooring_operator.queue import WorkQueue
from mooring_operator.reconcile.controller import Controller
from mooring_operator.reconcile.world import World
from mooring_operator.watches import register, settings

RESYNC_S: Final = 600.0
STOP_PATIENCE_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Options:
    """How the process runs: MOORING_WORKERS, MOORING_LOG_LEVEL, MOORING_HTTP_PORT."""

    workers: int
    log_level: str
    http_port: int

    @classmethod
    def from_environment(cls) -> "Options":
        """Read the options; raises SystemExit with a sentence for a value that is none."""
        try:
            workers = int(os.environ.get("MOORING_WORKERS", "8"))
            http_port = int(os.environ.get("MOORING_HTTP_PORT", "8080"))
        except ValueError as error:
            raise SystemExit(
                f"MOORING_WORKERS and MOORING_HTTP_PORT are numbers: {error}"
            ) from None
        return cls(workers, os.environ.get("MOORING_LOG_LEVEL", "info"), http_port)


def main() -> None:
    """Run until SIGTERM; what is in hand is finished first."""
    options = Options.from_environment()
    configure_logging(options.log_level)
    queue = WorkQueue()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    # the second pool is for waiting on the outside beside a worker, one thread for each
    with ThreadPoolExecutor(options.workers, "outside") as threads:
        world = World(ApiServer(2 * options.workers + 2), queue.add, threads, _now)
        controller = Controller(world, queue, options.workers, RESYNC_S)
        ready = threading.Event()
        health = serve_health(options.http_port, controller.healthy, ready.is_set, queue.depth)
        controller.start()
        try:
            asyncio.run(_watch(queue, stop, ready))
        finally:
            controller.stop(STOP_PATIENCE_S)
            health.shutdown()


async def _watch(queue: WorkQueue, stop: threading.Event, ready: threading.Event) -> None:
    """Feed the queue from the watches until `stop`; a watch that dies ends the process."""
    stop_flag = asyncio.Event()
    loop = asyncio.get_running_loop()
    waiting = threading.Thread(
        target=lambda: (stop.wait(), loop.call_soon_threadsafe(stop_flag.set)), daemon=True
    )
    waiting.start()
    ready_flag = asyncio.Event()
    operator = asyncio.create_task(
        kopf.operator(
            registry=register(queue.add),
            settings=settings(),
            clusterwide=True,
            ready_flag=ready_flag,
            stop_flag=stop_flag,
        )
    )
    started = asyncio.create_task(ready_flag.wait())
    await asyncio.wait({operator, started}, return_when=asyncio.FIRST_COMPLETED)
    started.cancel()
    ready.set()
    await operator
    if not stop.is_set():
        raise SystemExit("the watches ended although nobody asked them to")


def configure_logging(level: str) -> None:
    """Log lines as JSON on standard error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


if __name__ == "__main__":
    main()

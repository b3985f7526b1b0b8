"""The operator's process: settings, health and metrics, watches and workers."""

import asyncio
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import kopf
import structlog

from mooring_operator.apiserver import ApiServer
from mooring_operator.cache import Cache
from mooring_operator.health import serve_health
from mooring_operator.kube import KubeError
from mooring_operator.queue import WorkQueue
from mooring_operator.reconcile.controller import Controller
from mooring_operator.reconcile.world import World
from mooring_operator.watches import STREAMS, Watches, is_watched, settings

RESYNC_S: Final = 600.0
STOP_PATIENCE_S: Final = 20.0
LOG_LEVELS: Final = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Options:
    """How the process runs: MOORING_WORKERS, MOORING_LOG_LEVEL, MOORING_HTTP_PORT."""

    workers: int
    log_level: str
    http_port: int

    @classmethod
    def from_environment(cls) -> "Options":
        """Read the options; raises SystemExit with a sentence for a value that is none."""
        level = os.environ.get("MOORING_LOG_LEVEL", "info").lower()
        if level not in LOG_LEVELS:
            raise SystemExit(f"MOORING_LOG_LEVEL is {level!r}; set one of {', '.join(LOG_LEVELS)}")
        return cls(_number("MOORING_WORKERS", 8), level, _number("MOORING_HTTP_PORT", 8080))


def _number(name: str, default: int) -> int:
    value = os.environ.get(name, str(default))
    if not value.isdecimal() or int(value) == 0:
        raise SystemExit(f"{name} is {value!r}; set a number from 1 on")
    return int(value)


def main() -> None:
    """Run until SIGTERM; what is in hand is finished first."""
    options = Options.from_environment()
    configure_logging(options.log_level)
    try:
        # two for each worker, one for each metadata stream and for the resync
        api_server = ApiServer(2 * options.workers + STREAMS + 1)
    except KubeError as error:
        raise SystemExit(str(error)) from None
    queue = WorkQueue()
    # for what a worker asks of the API server beside its own call: one thread for each worker
    with ThreadPoolExecutor(options.workers, "beside") as threads:
        cache = Cache(api_server, is_watched)
        world = World(cache, queue, threads, _now)
        controller = Controller(world, options.workers, RESYNC_S, cache.clear)
        ready = threading.Event()
        health = serve_health(options.http_port, controller.healthy, ready.is_set, queue.depth)
        watches = Watches(queue.add, cache.told, controller.resync)
        controller.start()
        try:
            for stream in watches.streams(api_server):
                stream.start()
            asyncio.run(_watch(watches, ready))
        finally:
            controller.stop(STOP_PATIENCE_S)
            health.shutdown()


async def _watch(watches: Watches, ready: threading.Event) -> None:
    """Feed the queue from kopf's watches until it gets SIGTERM or SIGINT.

    Raises what ended a watch, so that the process ends with it and is started anew.
    """
    ready_flag = asyncio.Event()
    operator = asyncio.create_task(
        kopf.operator(
            registry=watches.registry(),
            settings=settings(),
            clusterwide=True,
            ready_flag=ready_flag,
        )
    )
    started = asyncio.create_task(ready_flag.wait())
    await asyncio.wait({operator, started}, return_when=asyncio.FIRST_COMPLETED)
    started.cancel()
    ready.set()
    await operator


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

"""What the operator measures of itself, for /metrics; in a registry of its own."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

QUEUE_DEPTH: Final = Gauge("mooring_queue_depth", "Keys that wait for a worker.", registry=REGISTRY)
QUEUE_HELD: Final = Gauge(
    "mooring_queue_held", "Keys that a worker has in hand.", registry=REGISTRY
)
QUEUE_OLDEST: Final = Gauge(
    "mooring_queue_oldest_seconds", "Age of the key that waits longest.", registry=REGISTRY
)
LEADER: Final = Gauge(
    "mooring_leader", "1 where this process works, 0 where it stands by.", registry=REGISTRY
)
RECONCILE: Final = Histogram(
    "mooring_reconcile_seconds",
    "Duration of reconciles by kind and result.",
    ["kind", "result"],
    registry=REGISTRY,
)
READY: Final = Histogram(
    "mooring_ready_seconds",
    "From the creation of an object to its first Ready, to the second.",
    ["kind"],
    buckets=(1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1800),
    registry=REGISTRY,
)
CLOSED_RUNS: Final = Counter(
    "mooring_closed_runs",
    "Runs that were closed because their pod had ended, by the status that they got.",
    ["status"],
    registry=REGISTRY,
)
SILENT_PODS: Final = Counter(
    "mooring_silent_pods",
    "Pods that succeeded and left no run, or lost what they logged, by the reason of their Event.",
    ["namespace", "reason"],
    registry=REGISTRY,
)
STORE: Final = Histogram(
    "mooring_store_seconds",
    "Duration of calls to object stores and database servers; the result is ok or a reason.",
    ["store", "call", "result"],
    registry=REGISTRY,
)

FINDINGS: Final = Gauge(
    "mooring_findings",
    "Runs and experiments of a workspace whose artifacts are lost or elsewhere; no sample for 0.",
    ["namespace", "workspace", "type"],
    registry=REGISTRY,
)

UNMOORED_PODS: Final = Gauge(
    "mooring_unmoored_pods",
    "Living pods of a namespace with bindings that run an MLflow client without one.",
    ["namespace"],
    registry=REGISTRY,
)


@dataclass
class Result:
    """How a timed block ended; a block that raises says nothing, and ended with an error."""

    name: str = "error"


@contextmanager
def timed(histogram: Histogram, *labels: str) -> Iterator[Result]:
    """Observe the duration of the block under its labels and its result."""
    result, started = Result(), time.monotonic()
    try:
        yield result
    finally:
        histogram.labels(*labels, result.name).observe(time.monotonic() - started)

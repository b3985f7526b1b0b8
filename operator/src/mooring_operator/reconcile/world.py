"""What a reconcile may touch, and how it ends."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from mooring_operator.api.conditions import Finding
from mooring_operator.kube import KINDS, Kube, Manifest
from mooring_operator.plan.drift import differs, marked
from mooring_operator.queue import Key


@dataclass(frozen=True, slots=True)
class World:
    """The API server, a way to have other keys reconciled, threads for waiting, a clock."""

    kube: Kube
    enqueue: Callable[[Key], None]
    threads: Executor
    now: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a reconcile ended: `retry` with backoff, or come back when an event says so."""

    retry: bool = False


class Blocked(Exception):
    """A step cannot be done now; what the user should know is in `finding`."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def ensure(world: World, desired: Manifest) -> Manifest:
    """Have `desired` in the cluster; the result is what is live now."""
    kind = KINDS[(desired["apiVersion"], desired["kind"])]
    metadata = desired["metadata"]
    live = world.kube.get(kind, metadata["namespace"], metadata["name"])
    return apply(world, desired, live)


def apply(world: World, desired: Manifest, live: Manifest | None) -> Manifest:
    """Write `desired` unless `live` is that already; the result is what is live now."""
    wanted = marked(desired)
    if live is not None and not differs(wanted, live):
        return live
    return world.kube.apply(wanted)

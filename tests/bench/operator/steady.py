"""The operator with many workspaces that are Ready: restart, idle minutes, a fresh workspace."""

import time
from dataclasses import dataclass
from typing import Final

from mooring.contract import published_name
from mooring_operator.kube import BINDING, CONFIG_MAP, SECRET, WORKSPACE, Kind
from tests.bench.operator.system import WORKSPACE_NAME, System, poll

IDLE_S: Final = 20.0
FRESH: Final = 20
PATIENCE_S: Final = 900.0
OTHER_IMAGE: Final = "mooring/server:2"


@dataclass(frozen=True, slots=True)
class Steady:
    """Seconds of a restart, and the writes of the restart and of an idle while after it."""

    restart_s: float
    writes: dict[str, int]
    resident_mb: float


def restart(system: System) -> Steady:
    """Start the operator anew and wait until it has looked at every workspace and binding."""
    system.operator.settle()
    before = system.world.api.writes()
    system.operator.stop()
    started = time.monotonic()
    system.operator.start(PATIENCE_S)
    for kind in (WORKSPACE, BINDING):
        while system.operator.reconciles(kind.kind) < len(system.uids):
            poll(0.1, started + PATIENCE_S, f"every {kind.kind} to be looked at")
    seconds = time.monotonic() - started
    system.operator.settle()
    time.sleep(IDLE_S)
    writes = dict(system.world.api.writes() - before)
    return Steady(seconds, writes, system.operator.resident() / 1e6)


def publish_idle(system: System) -> list[float]:
    """Seconds from `apply` to published, of fresh workspaces one after another, others idle."""
    took = []
    for number in range(FRESH):
        system.operator.settle()
        took.append(_published(system, f"idle-{number:04d}"))
    return took


def publish_busy(system: System) -> list[float]:
    """The same while all others converge anew: the class names another server image.

    As many as are published before the others are done, one at least.
    """
    system.operator.settle()
    system.world.edit_class({"server": {"image": OTHER_IMAGE}})
    deadline = time.monotonic() + PATIENCE_S
    while not system.operator.depth():
        poll(0.01, deadline, "the others to be under way")
    took = [_published(system, "busy-0000")]
    while system.operator.depth() and len(took) < FRESH:
        took.append(_published(system, f"busy-{len(took):04d}"))
    return took


def _published(system: System, namespace: str) -> float:
    system.make_namespace(namespace)
    started = time.monotonic()
    system.apply_workspace(namespace)
    for kind in (SECRET, CONFIG_MAP):
        _appears(system, kind, namespace)
    return time.monotonic() - started


def _appears(system: System, kind: Kind, namespace: str) -> None:
    name = published_name(WORKSPACE_NAME)
    for live in system.wire.watch(kind, namespace):
        if live["metadata"]["name"] == name:
            return
    raise RuntimeError(f"the watch of {kind.plural} in {namespace} ended")

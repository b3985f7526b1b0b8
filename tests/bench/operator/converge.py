"""Many workspaces from their `apply` to Ready, and the floor for it."""

import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from mooring_operator.kube import WORKSPACE
from tests.bench.operator.floor import Plan
from tests.bench.operator.system import WORKSPACE_NAME, System, cpu_seconds, poll
from tests.bench.operator.template import Write, template
from tests.bench.operator.wire import Manifest, Wire
from tests.cluster.process import die_with_parent

PATIENCE_S: Final = 900.0
ANSWERS: Final = 3
"""Of the kubelet for each workspace: two Jobs and a Deployment."""


@dataclass(frozen=True, slots=True)
class Converged:
    """How long it took, what was written, and whose processor time it was, in seconds."""

    seconds: float
    writes: dict[str, int]
    cpu: dict[str, float]

    @property
    def total_writes(self) -> int:
        """How many writes there were."""
        return sum(self.writes.values())


def converge(system: System) -> Converged:
    """Start the operator and wait until every workspace is Ready; the clock runs from the start."""
    ready = ReadyWatch(system.wire, len(system.uids))
    before, cpu = system.world.api.writes(), system.cpu()
    started = time.monotonic()
    system.operator.start(PATIENCE_S)
    ended = ready.wait(PATIENCE_S)
    used = {**_spent(cpu, system.cpu()), "operator": cpu_seconds(system.operator.pid)}
    system.operator.settle()
    return Converged(ended - started, _written(system, before), used)


def floor(system: System, writes: list[Write], folder: Path) -> Converged:
    """Have a plain loop write the same, and wait until the kubelet has answered everything."""
    plan = folder / "plan.json"
    what = Plan(WORKSPACE_NAME, list(system.uids.items()), writes, system.outside)
    plan.write_bytes(TypeAdapter(Plan).dump_json(what))
    before, cpu, answered = system.world.api.writes(), system.cpu(), system.kubelet.answered
    started = time.monotonic()
    loop = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.operator.floor", str(plan)],
        env={"KUBECONFIG": str(system.kubeconfig), "MALLOC_ARENA_MAX": "2"},
        preexec_fn=die_with_parent,
    )
    spent = 0.0
    while loop.poll() is None:
        spent = cpu_seconds(loop.pid)
        poll(0.02, started + PATIENCE_S, "the floor")
    if loop.returncode:
        raise RuntimeError(f"the floor ended with {loop.returncode}")
    while system.kubelet.answered - answered < ANSWERS * len(system.uids):
        poll(0.005, started + PATIENCE_S, "the kubelet behind the floor")
    seconds = time.monotonic() - started
    used = {**_spent(cpu, system.cpu()), "floor": spent}
    return Converged(seconds, _written(system, before), used)


def written_for_one(system: System) -> list[Write]:
    """What the operator has written for the first workspace."""
    return template(system.wire, next(iter(system.uids)), WORKSPACE_NAME)


class ReadyWatch:
    """Counts workspaces that are Ready, from now on."""

    def __init__(self, wire: Wire, wanted: int) -> None:
        self._wanted, self._ready = wanted, threading.Event()
        self._ended = 0.0
        self._seen: set[str] = set()
        threading.Thread(target=self._watch, args=(wire,), daemon=True).start()

    def wait(self, patience_s: float) -> float:
        """Return the time (monotonic) at which the last one was; TimeoutError after a while."""
        if not self._ready.wait(patience_s):
            raise TimeoutError(f"{len(self._seen)} of {self._wanted} are Ready")
        return self._ended

    def _watch(self, wire: Wire) -> None:
        for live in wire.watch(WORKSPACE):
            if _is_ready(live):
                self._seen.add(live["metadata"]["uid"])
            if len(self._seen) >= self._wanted:
                self._ended = time.monotonic()
                self._ready.set()
                return


def _is_ready(live: Manifest) -> bool:
    conditions: list[dict[str, Any]] = live.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _spent(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: round(after[name] - before[name], 2) for name in after}


def _written(system: System, before: Any) -> dict[str, int]:
    """Writes by verb and resource since `before`, without those of the kubelet's stand-in."""
    counted = system.world.api.writes() - before
    return {
        what: count
        for what, count in sorted(counted.items())
        if "PATCH" not in what or "mlflow" in what
    }

"""A stand-in for controllers and kubelet that answers at once, in a process of its own.

Without nodes no Job ever completes. This one answers each Job and each Deployment with one write,
for the operator and for the floor alike; its processor time stands in the rows.
"""

import multiprocessing
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from mooring_operator.kube import DEPLOYMENT, JOB, Kind
from tests.bench.operator.wire import Manifest, Refused, Wire
from tests.cluster.process import die_with_parent
from tests.integration.operator.kubelet import available, completed


class Kubelet:
    """The running stand-in: its process, and how many objects it has answered."""

    def __init__(self, pid: int, answered: "Synchronized[int]") -> None:
        self.pid = pid
        self._answered = answered

    @property
    def answered(self) -> int:
        """How many writes it has made."""
        return self._answered.value


@contextmanager
def kubelet(kubeconfig: Path) -> Iterator[Kubelet]:
    """Play the kubelet for a whole API server until the block ends."""
    context = multiprocessing.get_context("spawn")
    answered: Synchronized[int] = context.Value("i", 0)
    started = context.Event()
    process = context.Process(target=_play, args=(kubeconfig, answered, started), daemon=True)
    process.start()
    started.wait()
    try:
        yield Kubelet(process.pid or 0, answered)
    finally:
        process.terminate()
        process.join()


def _play(kubeconfig: Path, answered: "Synchronized[int]", started: Event) -> None:
    die_with_parent()
    wire = Wire(kubeconfig)
    started.set()
    beside = threading.Thread(target=_answer, args=(wire, JOB, answered), daemon=True)
    beside.start()
    _answer(wire, DEPLOYMENT, answered)


def _answer(wire: Wire, kind: Kind, answered: "Synchronized[int]") -> None:
    for live in wire.watch(kind):
        status = _status(kind, live)
        if status is None:
            continue
        try:
            wire.patch(kind, live, {"status": status}, "status")
        except Refused as refused:
            if refused.status != 404:  # deleted meanwhile
                raise
            continue
        with answered.get_lock():
            answered.value += 1


def _status(kind: Kind, live: Manifest) -> dict[str, Any] | None:
    """What the object's controller would write now; None when it has nothing to say."""
    said = live.get("status", {})
    if kind is JOB:
        return None if said.get("conditions") else completed()
    newest = live["metadata"]["generation"]
    return None if said.get("observedGeneration") == newest else available(live)

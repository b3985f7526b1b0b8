"""Faults that take more than one pod, or whose harm is in what a run says of itself for ever.

The identity is kept where the next task gets the right run; it is told where a run that came to
nothing says so. It is lost silently where the run says RUNNING for ever, or nobody is handed it.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import cache, partial
from typing import Any, Final

from mooring import contract
from tests.cluster.process import wait_until
from tests.demo.cluster import apply, get, kubectl
from tests.demo.store import Run, tracking
from tests.e2e import scenarios
from tests.e2e.jobs import Jobs, Outcome, script
from tests.e2e.scenarios import HandOver
from tests.faults.fault import Family, Fault, Way
from tests.faults.pods import CONTAINER
from tests.faults.seen import NOBODY, TASK, why_red
from tests.faults.verdict import Seen
from tests.faults.world import MINTED, World

OpenJobs = Callable[[], AbstractContextManager[Jobs]]
"""Opens the way to Airflow, which ends with the API server that it leads through."""
Played = Mapping[Way | None, Seen]
"""What became of it by each way in, and without Mooring (None)."""

ALPHAS: Final = [0.25, 0.5, 4.0]
LIMIT: Final = "600Mi"
STATUS: Final = "the run's status"
CLOSED_S: Final = 300.0


def sidecar_killed(jobs: OpenJobs, _world: World) -> Played:
    """The sidecar that hands the reference over is killed in the middle."""
    plain, moored = _handed(jobs)
    return {Way.TASK: _handed_over(moored, 0), None: _not_handed(plain.trainings[0])}


def nothing_handed_over(jobs: OpenJobs, _world: World) -> Played:
    """The training writes no reference for the sidecar."""
    plain, moored = _handed(jobs)
    return {Way.TASK: _handed_over(moored, 1), None: _not_handed(plain.trainings[1])}


@cache
def _handed(jobs: OpenJobs) -> tuple[HandOver, HandOver]:
    with jobs() as opened:
        return scenarios.sidecar_killed(opened, ALPHAS)


def _handed_over(moored: HandOver, index: int) -> Seen:
    reference = moored.trainings[index].reference or {}
    said = f"evaluated: {index} run {reference.get('run_id')} alpha {ALPHAS[index]:g}"
    kept = moored.following.state == "success" and said in moored.following.log
    return _seen(kept=kept, told_by=NOBODY)


def _not_handed(plain: Outcome) -> Seen:
    kept = plain.returned is not None
    if plain.state == "success":
        return _seen(kept=kept, told_by=NOBODY)
    return _seen(kept=kept, told_by=TASK, message=why_red(plain.log))


def run_left_open(_jobs: OpenJobs, world: World, *, how: str) -> Played:
    """A pod ends in the middle of its run, by a kill that no process hears of."""
    name = f"faults-{uuid.uuid4().hex[:8]}"
    pods = {way: f"{name}-{'label' if way else 'peer'}" for way in (Way.POD, None)}
    apply(*(_dying(pod, way, how, world) for way, pod in pods.items()))
    try:
        with tracking(MINTED) as server:

            def runs() -> dict[str, Run]:
                return {run.name: run for run in server.runs() if run.name in pods.values()}

            wait_until(lambda: len(runs()) == len(pods), "both runs", timeout=CLOSED_S)
            if how == "--deaf":
                kubectl(
                    "delete", "pod", "-n", MINTED, *pods.values(), "--force", "--grace-period=0"
                )
            else:
                wait_until(lambda: all(map(_is_over, pods.values())), "both pods to end")
            ended = time.monotonic()
            wait_until(
                lambda: runs()[pods[Way.POD]].status != "RUNNING", "a run to be closed",
                timeout=CLOSED_S,
            )  # fmt: skip
            took, found = time.monotonic() - ended, runs()
    finally:
        kubectl("delete", "pod", "-n", MINTED, *pods.values(), "--ignore-not-found", "--wait=false")
    return {
        Way.POD: _closed(found[pods[Way.POD]], round(took, 1)),
        None: _closed(found[pods[None]], None),
    }


def _closed(run: Run, seconds: float | None) -> Seen:
    """What a run that came to nothing says of itself."""
    if run.status == "RUNNING":
        return _seen(kept=False, told_by=NOBODY)
    message = f"{run.status}, {run.tags.get(contract.TAG_FINDING, 'by its own process')}"
    return _seen(kept=False, told_by=STATUS, seconds=seconds, message=message)


def _seen(*, kept: bool, told_by: str, seconds: float | None = None, message: str = "") -> Seen:
    return Seen(kept, not kept and not told_by, told_by, seconds, message)


def _is_over(pod: str) -> bool:
    return get("pod", pod, MINTED)["status"]["phase"] in {"Succeeded", "Failed"}


def _dying(name: str, way: Way | None, how: str, world: World) -> dict[str, Any]:
    labels = {contract.BINDING_LABEL: MINTED} if way else {contract.SKIP_LABEL: "true"}
    by_hand = {} if way else world.by_hand(Fault("", Family.IDENTITY, {}))
    container = {
        "name": CONTAINER,
        "image": world.image,
        "command": ["python", "-c", script("die_in_run"), name, how],
        "env": [{"name": key, "value": value} for key, value in by_hand.items()],
        "resources": {"limits": {"memory": LIMIT}, "requests": {"memory": LIMIT}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": MINTED, "labels": labels},
        "spec": {"containers": [container], "restartPolicy": "Never"},
    }


SCENES: Final[Mapping[str, Callable[[OpenJobs, World], Played]]] = {
    "sidecar killed": sidecar_killed,
    "nothing handed over": nothing_handed_over,
    "out of memory": partial(run_left_open, how="--fill"),
    "deleted by force": partial(run_left_open, how="--deaf"),
}

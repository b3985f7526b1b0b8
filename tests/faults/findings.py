"""What nobody told of but the operator: in an Event on the pod, or in `status.findings`.

The operator looks when it looks, and nobody asks it to: the seconds are those that a team waits.
"""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final

from mooring import contract
from mooring_operator.reconcile.silent import MODEL_NOT_READY, NOTHING_LOGGED, RUN_FAILED
from tests.cluster.process import ClusterError
from tests.cluster.report import say
from tests.demo.cluster import get, kubectl
from tests.demo.store import tracking
from tests.faults.pods import Case, mark_of
from tests.faults.seen import End
from tests.faults.verdict import Row, Seen, row, seen
from tests.faults.world import KEYLESS, MINTED

EVENT: Final = "Event"
FINDINGS: Final = "`status.findings`"
REASONS: Final = frozenset({NOTHING_LOGGED, RUN_FAILED, MODEL_NOT_READY})
LONGEST_S: Final = 720.0
"""The operator looks every 10 minutes (docs/operations.md), spread over one more."""
EVERY_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Lost:
    """What a pod lost silently so far; the times are of `time.monotonic`."""

    case: Case
    peer: Seen
    runs: frozenset[str]
    started: float
    ended: float


class Findings:
    """Looks for losses as long as the matrix is played, in a thread of its own."""

    def __init__(self) -> None:
        self._lost: dict[str, _Lost] = {}
        self._found: dict[str, Row] = {}
        self._over = Event()
        self._thread = Thread(target=self._look, daemon=True)

    def look_for(self, case: Case, peer: Seen, started: float) -> None:
        """Look from now on for what the pod of a case lost, which was started then."""
        self._lost[case.mark] = _Lost(case, peer, _runs(case), started, time.monotonic())
        if not self._thread.is_alive():
            self._thread.start()

    def found(self) -> list[Row]:
        """The rows of what was found so far."""
        return list(self._found.values())

    def wait(self) -> None:
        """Return once all of it was found, or the operator has looked."""
        while self._awaited():
            left = max(lost.ended for lost in self._awaited()) + LONGEST_S - time.monotonic()
            if left <= 0:
                break
            names = ", ".join(sorted({lost.case.fault.name for lost in self._awaited()}))
            say(f"    up to {left:.0f} s for the operator's own look at: {names}")
            self._over.wait(min(60.0, left))
        self._over.set()

    def _awaited(self) -> list[_Lost]:
        return [lost for mark, lost in list(self._lost.items()) if mark not in self._found]

    def _look(self) -> None:
        while not self._over.wait(EVERY_S):
            # between two faults the API server may be away
            with suppress(ClusterError):
                self._take(EVENT, dict(_told_by_events()))
                self._take(FINDINGS, self._told_by_findings())

    def _take(self, told_by: str, told: dict[str, str]) -> None:
        for mark in told.keys() & self._lost.keys() - self._found.keys():
            lost = self._lost[mark]
            end = End(told_by, told[mark], time.monotonic() - lost.started)
            self._found[mark] = row(lost.case, seen(end, kept=False), lost.peer)

    def _told_by_findings(self) -> dict[str, str]:
        """The marks whose runs a workspace's status names, and what it says of each."""
        told = dict(entry for name in (MINTED, KEYLESS) for entry in _told_of_runs(name))
        return {
            mark: told[run]
            for mark, lost in list(self._lost.items())
            for run in lost.runs & told.keys()
        }


def _runs(case: Case) -> frozenset[str]:
    """The runs of a case in its workspace."""
    with tracking(case.namespace) as server:
        return frozenset(run.run_id for run in server.runs() if mark_of(run.tags) == case.mark)


def _told_by_events() -> Iterator[tuple[str, str]]:
    """The marks whose pods have an Event of the operator's, and what it says."""
    of_pods = "--field-selector=involvedObject.kind=Pod"
    events = kubectl("get", "events", "--all-namespaces", of_pods, "-o", "json")
    for event in json.loads(events)["items"]:
        mark = mark_of({contract.TAG_POD: event["involvedObject"]["name"]})
        if mark and event["reason"] in REASONS:
            yield mark, f"{event['reason']}: {event['message']}"


def _told_of_runs(workspace: str) -> Iterator[tuple[str, str]]:
    findings = get("mlw", workspace, workspace)["status"].get("findings") or {}
    for kind in findings.get("types") or []:
        for entry in kind["newest"]:
            if entry.get("run"):
                yield entry["run"], f"{kind['type']}: {entry['detail']}"

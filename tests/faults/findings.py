"""What nobody told of but the operator, in `status.findings` of a workspace: when it is there.

The operator looks when it looks, and nobody asks it to: the seconds are those that a team waits.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final

from tests.cluster.process import ClusterError
from tests.cluster.report import say
from tests.demo.cluster import get
from tests.demo.store import tracking
from tests.faults.pods import MARK, Case
from tests.faults.seen import End
from tests.faults.verdict import Row, Seen, row, seen
from tests.faults.world import KEYLESS, MINTED

FINDINGS: Final = "`status.findings`"
LONGEST_S: Final = 720.0
"""The operator looks every 10 minutes (docs/operations.md), spread over one more."""
EVERY_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Lost:
    """A run that was lost silently so far; the times are of `time.monotonic`."""

    case: Case
    peer: Seen
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
        for run in _runs(case):
            self._lost[run] = _Lost(case, peer, started, time.monotonic())
        if self._lost and not self._thread.is_alive():
            self._thread.start()

    def rows(self) -> list[Row]:
        """The rows of what was found, once all of it was or the operator has looked."""
        while self._awaited():
            left = max(lost.ended for lost in self._awaited()) + LONGEST_S - time.monotonic()
            if left <= 0:
                break
            names = ", ".join(sorted({lost.case.fault.name for lost in self._awaited()}))
            say(f"    up to {left:.0f} s for the operator's own look at: {names}")
            self._over.wait(min(60.0, left))
        self._over.set()
        return list(self._found.values())

    def _awaited(self) -> list[_Lost]:
        return [lost for run, lost in list(self._lost.items()) if run not in self._found]

    def _look(self) -> None:
        while not self._over.wait(EVERY_S):
            for workspace in (MINTED, KEYLESS):
                # between two faults the API server may be away
                with suppress(ClusterError):
                    self._take(workspace)

    def _take(self, workspace: str) -> None:
        told = dict(_told(get("mlw", workspace, workspace)["status"].get("findings") or {}))
        for run in told.keys() & self._lost.keys() - self._found.keys():
            lost = self._lost[run]
            end = End(FINDINGS, told[run], time.monotonic() - lost.started)
            self._found[run] = row(lost.case, seen(end, kept=False), lost.peer)


def _runs(case: Case) -> list[str]:
    """The runs of a case in its workspace."""
    with tracking(case.namespace) as server:
        return [run.run_id for run in server.runs() if run.tags.get(MARK) == case.mark]


def _told(findings: Mapping[str, list[dict[str, object]]]) -> Iterator[tuple[str, str]]:
    """The runs that findings name, and what they say of each."""
    for kind in findings.get("types") or []:
        newest = kind["newest"]
        assert isinstance(newest, list)
        for entry in newest:
            if entry.get("run"):
                yield entry["run"], f"{kind['type']}: {entry['detail']}"

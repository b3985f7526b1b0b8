"""What the operator costs while nothing happens: memory, and writes."""

import re
import time
from typing import Final

from tests.bench.figures import Figure
from tests.demo.cluster import kubectl
from tests.demo.system import MOORING

MEMORY_GOAL_MB: Final = 110.0
RESIDENT: Final = re.compile(r"VmRSS:\s+(\d+) kB")
APPLIES: Final = re.compile(r'^apiserver_request_total\{.*verb="APPLY".*\} (\d+)', re.MULTILINE)


def memory() -> Figure:
    """Resident memory of the operator's process."""
    status = kubectl("exec", "-n", MOORING, "deploy/mooring", "--", "cat", "/proc/1/status")
    match = RESIDENT.search(status)
    assert match is not None, status
    return Figure(
        name="operator resident, two workspaces",
        unit="MB",
        measured=int(match[1]) / 1000,
        floor=None,
        floor_is="VmRSS of its process",
        goal=MEMORY_GOAL_MB,
    )


def writes(minutes: float) -> Figure:
    """Server-side applies that the API server counts while nobody changes anything."""
    before = _applies()
    time.sleep(60 * minutes)
    return Figure(
        name=f"API writes in {minutes:g} idle minutes",
        unit="writes",
        measured=_applies() - before,
        floor=None,
        floor_is="requests of verb APPLY that the API server counted; only the operator applies",
        goal=0,
    )


def _applies() -> int:
    return sum(map(int, APPLIES.findall(kubectl("get", "--raw", "/metrics"))))

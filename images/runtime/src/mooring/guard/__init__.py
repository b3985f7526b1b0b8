"""The guard: the init container that lets a pod start only when its work will be kept.

It makes the checks below with exactly the environment and mounts of the training container, and
refuses by exit code 1, or only tells what it found where the binding says `guard: Warn`. Standard
library and urllib3 only, and botocore's signer or google-auth for a store that needs it: it runs
before every training, so its imports are part of every pod's start.
"""

import sys
import time
from collections.abc import Callable, Mapping
from typing import Final

from mooring import contract
from mooring.finding import Finding, redacted, secrets_of, tell
from mooring.guard import store, tracking
from mooring.guard.http import Http

Check = Callable[[Mapping[str, str], Http], Finding | None]

CHECKS: Final[tuple[Check, ...]] = (
    tracking.uri_is_remote,
    tracking.pod_is_bound,
    tracking.server_answers,
    tracking.server_is_the_workspaces,
    tracking.experiment_is_the_workspaces,
    store.round_trip,
)
"""In this order: each may rely on the ones before it."""

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 1.0


def run(environ: Mapping[str, str]) -> int:
    """Make every check; the exit code is 0 when nothing was found, else 1 after telling it.

    It is 0 as well where `contract.GUARD_MODE` says that the guard only warns.
    """
    started = time.monotonic()
    http = Http()
    for check in CHECKS:
        finding = patiently(lambda check=check: check(environ, http), secrets_of(environ))  # type: ignore[misc]
        if finding is not None:
            tell(finding, secrets_of(environ))
            return 0 if environ.get(contract.GUARD_MODE) == contract.GUARD_WARN else 1
    print(f"mooring guard: all is well after {time.monotonic() - started:.2f} s", flush=True)
    return 0


def patiently(attempt: Callable[[], Finding | None], secrets: list[str]) -> Finding | None:
    """Repeat `attempt` until it finds nothing, or something that has outlasted its patience."""
    started = time.monotonic()
    pause = FIRST_PAUSE_S
    told = ""
    while (finding := attempt()) is not None:
        left = started + finding.patience - time.monotonic()
        if left <= 0:
            break
        if finding.reason != told:
            told = finding.reason
            waiting = redacted(str(finding), secrets)
            print(f"waiting up to {left:.0f} s: {waiting}", file=sys.stderr, flush=True)
        time.sleep(min(pause, left))
        pause = min(2 * pause, LONGEST_PAUSE_S)
    return finding

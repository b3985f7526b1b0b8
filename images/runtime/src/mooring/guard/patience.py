"""How long the guard waits for what may pass by itself, such as a server that is just rolling."""

import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from mooring.finding import Finding, redacted

DEADLINE_S: Final = 90.0
"""For all waiting together; one request that was under way may still end after it."""

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 1.0


class GivenUp(Exception):
    """Somebody else knows the verdict, and what was waited for might still have passed."""


class Budget:
    """The time that is left for waiting, shared by checks that are made at once."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._given_up = threading.Event()

    @property
    def given_up(self) -> bool:
        """Whether somebody found what no waiting mends."""
        return self._given_up.is_set()

    def give_up(self) -> None:
        """End all waiting: the verdict is known."""
        self._given_up.set()

    def left(self) -> float:
        """For how many seconds there may be waiting; 0 when the time is over."""
        return max(0.0, self._ends - time.monotonic())

    def pause(self, seconds: float) -> None:
        """Wait, but not longer than there is waiting at all."""
        self._given_up.wait(seconds)


def patiently(
    attempt: Callable[[], Finding | None], secrets: Iterable[str], budget: Budget
) -> Finding | None:
    """Repeat `attempt` until it finds nothing, or something that has outlasted its patience.

    Raises GivenUp.
    """
    started = time.monotonic()
    pause = FIRST_PAUSE_S
    told = ""
    while (finding := attempt()) is not None:
        left = min(started + finding.patience - time.monotonic(), budget.left())
        if finding.patience == 0 or left <= 0:
            return finding
        if budget.given_up:
            raise GivenUp
        if finding.reason != told:
            told = finding.reason
            waiting = redacted(str(finding), secrets)
            print(f"waiting up to {left:.0f} s: {waiting}", file=sys.stderr, flush=True)
        budget.pause(min(pause, left))
        pause = min(2 * pause, LONGEST_PAUSE_S)
    return None

"""How soon the operator answers, measured so that it holds beside other work.

A single answer takes as long as the machine has something else to do. So each is waited for with
patience, and what is promised is measured on the one in the middle of all that a file of tests
waits for.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.integration.operator.world import Found, until


@dataclass(frozen=True, slots=True)
class Answers:
    """Seconds that each answer took."""

    took: list[float] = field(default_factory=list)

    def until(self, look: Callable[[], Found], what: str) -> Found:
        """Wait as `world.until` does, and note how long it took."""
        since = time.monotonic()
        found = until(look, what)
        self.took.append(time.monotonic() - since)
        return found


@contextmanager
def prompt(seconds: float) -> Iterator[Answers]:
    """Assert in the end that the answer in the middle took at most so long.

    Longer by as much as the machine has more work than processors.
    """
    answers = Answers()
    yield answers
    load = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    if answers.took:
        assert statistics.median(answers.took) < seconds * load, sorted(answers.took)

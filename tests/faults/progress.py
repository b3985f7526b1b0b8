"""How far a run of the matrix is, and how long the rest may take."""

import time
from collections.abc import Callable
from typing import Final

from tests.cluster.report import say

EVERY: Final = 5
"""So many pods a line."""


class Progress:
    """Counts the pods that have ended, out of `total`."""

    def __init__(self, total: int, tell: Callable[[str], None] = say) -> None:
        self._total = total
        self._ended = 0
        self._tell = tell
        self._began = time.monotonic()

    def ended(self) -> None:
        """One more pod has ended."""
        self._ended += 1
        if self._ended % EVERY == 0 or self._ended == self._total:
            self._tell(f"    {line(self._ended, self._total, time.monotonic() - self._began)}")


def line(ended: int, total: int, seconds: float) -> str:
    """What a person is told after so many seconds.

    >>> line(10, 40, 120)
    '10/40 pods, about 6 min left'
    """
    left = seconds / ended * (total - ended) / 60
    return f"{ended}/{total} pods, about {left:.0f} min left"

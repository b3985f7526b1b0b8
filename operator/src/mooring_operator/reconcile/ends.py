"""How pods ended, kept for as long as it takes to look at their runs: most are deleted at once."""

import threading
from collections import OrderedDict
from typing import Final

from mooring_operator.plan.reaping import End

MOST: Final = 1000


class Ends:
    """The ends of the last pods; every method may be called from any thread.

    A pod that is not among them, after a restart perhaps, was deleted, as far as one knows.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: OrderedDict[tuple[str, str], End] = OrderedDict()

    def keep(self, namespace: str, pod: str, end: End) -> None:
        """Keep how the last pod ended that is known by this name."""
        with self._lock:
            self._ends[namespace, pod] = end
            self._ends.move_to_end((namespace, pod))
            while len(self._ends) > MOST:
                self._ends.popitem(last=False)

    def of(self, namespace: str, pod: str) -> End | None:
        """How a pod ended, if that is known."""
        with self._lock:
            return self._ends.get((namespace, pod))

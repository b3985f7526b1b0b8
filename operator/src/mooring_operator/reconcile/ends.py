"""How pods ended, kept for as long as it takes to look at their runs: most are deleted at once."""

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Final

from mooring_operator.plan.reaping import End
from mooring_operator.plan.silent import Succeeded
from mooring_operator.queue import Key

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


class Successes:
    """The pods that succeeded since the last look at the runs of their workspaces.

    The last `MOST` of each workspace, each once; every method may be called from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pods: dict[Key, deque[Succeeded]] = {}
        self._known: OrderedDict[str, None] = OrderedDict()

    def keep(self, workspace: Key, pod: Succeeded) -> None:
        """Keep a pod until the next look, unless it is known."""
        with self._lock:
            if pod.uid in self._known:
                return
            self._known[pod.uid] = None
            while len(self._known) > MOST:
                self._known.popitem(last=False)
            self._put(workspace, pod)

    def take(self, workspace: Key) -> list[Succeeded]:
        """Those of a workspace, which are kept no longer."""
        with self._lock:
            return list(self._pods.pop(workspace, ()))

    def again(self, workspace: Key, pods: Iterable[Succeeded]) -> None:
        """Keep what was taken until the next look: this one came to nothing."""
        with self._lock:
            for pod in pods:
                self._put(workspace, pod)

    def _put(self, workspace: Key, pod: Succeeded) -> None:
        self._pods.setdefault(workspace, deque(maxlen=MOST)).append(pod)

"""The work queue: keys, each at most once at a time, with backoff and delays.

The semantics are those of client-go's work queue
(https://pkg.go.dev/k8s.io/client-go/util/workqueue): a key that is added while it waits is there
once, a key that is added while it is worked on runs once more afterwards, and no two workers
ever hold the same key.

Keys that a person waits for go first: what was changed just now is not to stand behind a look at
everything.
"""

import heapq
import random
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

BACKOFF_BASE_S: Final = 0.05
BACKOFF_LIMIT_S: Final = 30.0
JITTER: Final = 0.1


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What is to be reconciled; `namespace` is empty for cluster-scoped kinds."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Load:
    """How many keys wait for a worker, how many are held, and the seconds of the oldest of each."""

    waiting: int
    waiting_s: float
    held: int
    held_s: float


def backoff(failures: int, jitter: float) -> float:
    """Seconds to wait after the given number of failures in a row; `jitter` from -1 to 1."""
    exponential = BACKOFF_BASE_S * 2.0 ** min(failures - 1, 32)
    return float(min(BACKOFF_LIMIT_S, exponential)) * (1 + JITTER * jitter)


class WorkQueue:
    """Keys on their way to workers; every method may be called from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._first: deque[Key] = deque()
        self._ready: deque[Key] = deque()
        self._waiting: dict[Key, float] = {}
        self._held: dict[Key, float] = {}
        self._again: dict[Key, bool] = {}
        self._delayed: list[tuple[float, Key]] = []
        self._due: dict[Key, float] = {}
        self._failures: dict[Key, int] = {}
        self._closed = False

    def add(self, key: Key, *, first: bool = False) -> None:
        """Have `key` reconciled soon; before all that were not added as `first`."""
        with self._changed:
            self._add(key, first)

    def add_after(self, key: Key, delay: float) -> None:
        """Have `key` reconciled in `delay` seconds at the latest."""
        due = time.monotonic() + delay
        with self._changed:
            if due < self._due.get(key, float("inf")):
                self._due[key] = due
                heapq.heappush(self._delayed, (due, key))
                self._changed.notify()

    def retry(self, key: Key) -> None:
        """Have `key` reconciled again after a failure, later each time."""
        with self._changed:
            self._failures[key] = self._failures.get(key, 0) + 1
            failures = self._failures[key]
        # spread, so that keys that failed together do not come back together
        self.add_after(key, backoff(failures, random.uniform(-1, 1)))  # noqa: S311 (no secret)

    def forget(self, key: Key) -> None:
        """Start the backoff of `key` anew: it went well."""
        with self._changed:
            self._failures.pop(key, None)

    def take(self) -> Key | None:
        """The next key, held by the caller until `done`; waits for one. None once closed."""
        with self._changed:
            while not self._closed:
                self._promote()
                if lane := self._first or self._ready:
                    key = lane.popleft()
                    del self._waiting[key]
                    self._held[key] = time.monotonic()
                    if self._delayed:
                        # this worker may be the only one that knew when the next one is due
                        self._changed.notify()
                    return key
                next_due = self._delayed[0][0] - time.monotonic() if self._delayed else None
                self._changed.wait(next_due)
            return None

    def done(self, key: Key) -> None:
        """Let go of a key that `take` gave."""
        with self._changed:
            del self._held[key]
            if key in self._again:
                self._add(key, self._again.pop(key))

    @contextmanager
    def holding(self, key: Key) -> Iterator[None]:
        """Keep workers away from `key` meanwhile, unless it waits for one or one has it."""
        with self._changed:
            free = key not in self._held and key not in self._waiting
            if free:
                self._held[key] = time.monotonic()
        try:
            yield
        finally:
            if free:
                self.done(key)

    def close(self) -> None:
        """Let every worker's `take` return None; what is held may be finished."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def load(self) -> Load:
        """What waits and what is held now."""
        with self._changed:
            now = time.monotonic()
            return Load(
                waiting=len(self._waiting),
                waiting_s=now - min(self._waiting.values(), default=now),
                held=len(self._held),
                held_s=now - min(self._held.values(), default=now),
            )

    def _add(self, key: Key, first: bool) -> None:
        if key in self._held:
            self._again[key] = first or self._again.get(key, False)
        elif key not in self._waiting:
            self._waiting[key] = time.monotonic()
            (self._first if first else self._ready).append(key)
            self._changed.notify()
        elif first and key not in self._first:
            self._ready.remove(key)
            self._first.append(key)

    def _promote(self) -> None:
        now = time.monotonic()
        while self._delayed and self._delayed[0][0] <= now:
            due, key = heapq.heappop(self._delayed)
            if self._due.get(key) == due:
                del self._due[key]
                self._add(key, first=False)

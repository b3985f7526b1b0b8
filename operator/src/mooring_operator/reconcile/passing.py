"""States that are over soon: a status that says so would be written only to be written again.

What is remembered here is this process's alone; without it a status is written later, never wrong.
"""

import time
from collections.abc import Hashable
from typing import Final

LASTING_S: Final = 1.0


class Passing:
    """Since when each object is in the state that it is in; called from any thread."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[int, float]] = {}

    def has_lasted(self, uid: str, state: Hashable) -> bool:
        """Whether the object has been in `state`, and in no other, for `LASTING_S` seconds."""
        now, found = time.monotonic(), self._since.get(uid)
        if found is None or found[0] != hash(state):
            self._since[uid] = (hash(state), now)
            return False
        return now - found[1] >= LASTING_S

    def forget(self, uid: str) -> None:
        """The object is in no such state any more."""
        self._since.pop(uid, None)

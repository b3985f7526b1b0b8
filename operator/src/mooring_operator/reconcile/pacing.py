"""What a process that starts need not ask the outside at once, because it was answered before.

The question is the same only as long as everything is that it depends on; the status of the
workspace has its digest. See docs/decisions/0011-a-restart-does-not-ask-again-at-once.md.
"""

import random
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

from mooring_operator.api.lifecycle import AnsweredStatus
from mooring_operator.plan.metadata import digest
from mooring_operator.queue import Key, WorkQueue

SPREAD_S: Final = 60.0
"""Within this time after the start everything is asked, a workspace at a time.

A thousand workspaces are half a processor's work then, and the reaper, who learns of runs by
asking, is as late as it may be.
"""

_OPERATOR: Final = version("mooring-operator")
"""Another version may ask the same in another way, so it asks at once."""


class Pacing:
    """Which workspaces this process has looked at; called from any thread."""

    def __init__(self) -> None:
        self._seen: set[Key] = set()

    def answered(self, key: Key, live: Mapping[str, Any], queue: WorkQueue) -> AnsweredStatus:
        """What was answered before this process began; nothing from its second look on.

        Nothing either of a workspace that was not well then, or that was edited since: every
        condition was True, and nothing was found lost. The second look comes within `SPREAD_S`
        seconds.
        """
        if key in self._seen:
            return AnsweredStatus()
        self._seen.add(key)
        status, conditions = live.get("status", {}), live.get("status", {}).get("conditions", [])
        edited = status.get("observedGeneration") != live["metadata"]["generation"]
        well = all(condition["status"] == "True" for condition in conditions)
        if edited or not well or status.get("findings", {}).get("total"):
            return AnsweredStatus()
        found = AnsweredStatus.model_validate(status.get("answered", {}))
        if found != AnsweredStatus():
            # spread, so that the outside is not asked by all at the same time
            queue.add_after(key, random.uniform(0, SPREAD_S))  # noqa: S311 (no secret)
        return found

    def forget(self, key: Key) -> None:
        """The workspace is gone."""
        self._seen.discard(key)


def question(*parts: object) -> str:
    """Digest of a question to the outside; `parts` are all that it depends on, as JSON."""
    return digest([_OPERATOR, *parts])

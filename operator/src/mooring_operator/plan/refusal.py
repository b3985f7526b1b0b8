"""What the guard of a pod said when it refused to let it start.

The guard has no right on the API server, so it cannot write an Event itself, and the pod that has
its word is often deleted at once, as by Airflow.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from mooring.contract import GUARD_CONTAINER
from mooring.ending import terminated

GUARD_REFUSED: Final = "GuardRefused"
_LINE: Final = re.compile(r"[A-Z][A-Za-z]+: \S.*")
"""A line of the guard, `Reason: sentence`. Any other text is not the guard's, and is not told."""


def refusal_of(pod: Mapping[str, Any]) -> str:
    """What to tell of a pod whose guard refused; empty for any other pod."""
    ended = dict(terminated(pod.get("status", {}))).get(GUARD_CONTAINER, {})
    if not ended.get("exitCode"):
        return ""
    said = [line for line in ended.get("message", "").splitlines() if _LINE.fullmatch(line)]
    why = " ".join(said) or f"it ended with exit code {ended['exitCode']} (docs/guard.md)"
    return f"the guard did not let the pod start: {why}"

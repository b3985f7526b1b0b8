"""The node's clock beside those of the servers that the pod talks to."""

import time
from email.utils import parsedate_to_datetime
from typing import Final

from mooring.finding import Finding
from mooring.guard.reasons import Reason

LIMIT_S: Final = 900
"""What S3 allows, the least patient of the stores; a run's times would be off by as much anywhere.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
"""

_SET: Final = "Set the node's clock, or that of the other side: both should follow a time server."


def ahead_s(date: str | None) -> float | None:
    """By how many seconds a server whose answer has this Date header is ahead of this node."""
    if not date:
        return None
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except ValueError:
        return None


def disagreement(where: str, ahead: float | None) -> Finding | None:
    """What to say when the server is ahead, or behind, by more than anybody bears."""
    if ahead is None or abs(ahead) <= LIMIT_S:
        return None
    return Finding(Reason.CLOCK_SKEWED, f"this node's clock is {by(ahead)} that of {where}.", _SET)


def refused(where: str, ahead: float | None, code: str) -> Finding:
    """What to say when a store refuses a request for its time."""
    much = f": it is {by(ahead)} its own" if ahead is not None else ""
    return Finding(Reason.CLOCK_SKEWED, f"{where} refuses this node's clock ({code}){much}.", _SET)


def by(ahead: float) -> str:
    """How far this node's clock is off, in words."""
    return f"{abs(ahead):.0f} s {'behind' if ahead > 0 else 'ahead of'}"

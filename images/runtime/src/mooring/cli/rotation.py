"""What asking a workspace for new credentials will do. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mooring.cli.state import condition


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether asking changes anything, and what happens then, or why not."""

    useful: bool
    sentence: str


def rotation(workspace: Mapping[str, Any]) -> Answer:
    """What becomes of a wish for new credentials in the state that `workspace` is in now."""
    credentials = (workspace.get("status") or {}).get("credentials")
    suspended = condition(workspace, "Suspended")
    if suspended is not None and suspended["status"] == "True":
        told = "it is suspended, and nothing is rotated until spec.suspend is false again"
        return Answer(useful=False, sentence=told)
    if not credentials:
        told = (
            "it has no credentials that the operator made: it was not provisioned yet, or what it "
            "uses is the team's own"
        )
        return Answer(useful=False, sentence=told)
    ends = credentials.get("graceEnds")
    when = f"at {ends}, when the grace of the last ones is over" if ends else "now"
    told = (
        f"new credentials are made {when}; pods that run keep theirs for the grace period "
        "(rotation.grace). Follow it: kubectl mooring status"
    )
    return Answer(useful=True, sentence=told)

"""What people are told of the end of a workspace, and what they tell it by annotations. Pure."""

from typing import Final

from mooring.contract import GROUP
from mooring_operator.api.conditions import Finding
from mooring_operator.api.lifecycle import DeletionStatus
from mooring_operator.plan.metadata import Manifest, Owner

FORCE_ANNOTATION: Final = f"{GROUP}/force-delete"
"""On a workspace: with "true" its deletion goes on without what cannot be done."""

LIST_ANNOTATION: Final = f"{GROUP}/list-deletion"
"""On a workspace: any new value asks what its deletion would take along."""

_LONGEST: Final = 253
"""What status.deletion.asked takes of it."""

DELETING: Final = "Deleting"

_REMEDIES: Final = {
    "ClassNotFound": "Only the class says where they are: make it again as it was. ",
}


def is_forced(workspace: Manifest) -> bool:
    """Whether a live workspace is to go without what cannot be done."""
    annotations = workspace["metadata"].get("annotations", {})
    return bool(annotations.get(FORCE_ANNOTATION) == "true")


def blocked(workspace: Owner, what: str, leaves: str, why: Finding) -> Finding:
    """Why the deletion does not go on: `what` cannot be done; forced, it `leaves` something."""
    return Finding(
        "DeletionBlocked",
        f"{what}: {why.message.rstrip('.')}. It is tried again. "
        f"{_REMEDIES.get(why.reason, '')}To delete the workspace all the same, and leave behind "
        f"{leaves}: {force_command(workspace)}",
    )


def force_command(workspace: Owner) -> str:
    """What a person types to force a deletion."""
    where = f"-n {workspace.namespace} mlw/{workspace.name}"
    return f"kubectl annotate {where} {FORCE_ANNOTATION}=true"


def asked_for(workspace: Manifest) -> str:
    """The request for a list that a live workspace carries; empty when nobody asks."""
    annotations = workspace["metadata"].get("annotations", {})
    return str(annotations.get(LIST_ANNOTATION, ""))[:_LONGEST]


def listed(workspace: Manifest) -> DeletionStatus | None:
    """What a live workspace was found to have when its deletion began; None before that.

    It cannot be found again later: a part of it is gone.
    """
    return answered(workspace, workspace["metadata"]["deletionTimestamp"])


def answered(workspace: Manifest, asked: str) -> DeletionStatus | None:
    """The list in the status of a live workspace, if it is the answer to `asked`."""
    found = workspace.get("status", {}).get("deletion", {})
    return DeletionStatus.model_validate(found) if found.get("asked") == asked else None


def dumped(found: DeletionStatus | None) -> dict[str, object] | None:
    """A list as the status holds it."""
    return found.model_dump(by_alias=True, exclude_none=True) if found else None


def deleting(found: DeletionStatus) -> Finding:
    """What goes, and how much of it has gone."""
    parts = []
    if found.artifacts:
        parts.append(found.artifacts + _objects(found))
    if found.database:
        runs = "" if found.runs is None else f" with {found.runs} runs"
        parts.append(f"database {found.database}{runs}")
    gone = f" Objects gone so far: {found.removed}." if found.removed else ""
    what = " and ".join(parts) or "nothing but credentials"
    return Finding(DELETING, f"deletionPolicy is Delete: what goes is {what}.{gone}")


def _objects(found: DeletionStatus) -> str:
    if found.objects is None:
        return ""
    least = "at least " if found.more else ""
    return f" with {least}{found.objects} objects of {found.bytes} bytes"

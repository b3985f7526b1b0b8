"""What people are told of the end of a workspace, and what they tell it by annotations. Pure."""

from typing import Final

from mooring.contract import GROUP
from mooring_operator.api.conditions import Finding
from mooring_operator.api.lifecycle import DeletionStatus
from mooring_operator.plan.metadata import Manifest, Owner

FORCE_ANNOTATION: Final = f"{GROUP}/force-delete"
"""On a workspace: with "true" its deletion goes on without what cannot be done."""

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


def listed(workspace: Manifest) -> DeletionStatus | None:
    """What a live workspace was found to have when its deletion began; None before that.

    It cannot be found again later: a part of it is gone.
    """
    found = workspace.get("status", {}).get("deletion", {})
    if found.get("asked") != workspace["metadata"]["deletionTimestamp"]:
        return None
    return DeletionStatus.model_validate(found)


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

"""What the binding and its workspace say of themselves."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from mooring import contract
from mooring.cli.doctor.facts import Facts, asked, blanked, injected
from mooring.cli.doctor.finding import Ailment, Failure, failure_of
from mooring.cli.state import READY, claimed, condition, readiness

FAILURES: Final = {
    "DatabaseReady": Failure.URI,
    "ServerAvailable": Failure.URI,
    "ArtifactRootsMatch": Failure.URI,
    "ArtifactStoreReady": Failure.CREDENTIALS,
    "RoundTripVerified": Failure.CREDENTIALS,
}
"""Conditions of a workspace that keep runs or artifacts from landing, and which failure it is."""

SETTLED: Final = timedelta(hours=1)
"""After a rotation, in which its grace begins; without a time of its end, nothing old is good."""


def of_the_binding(facts: Facts) -> Iterator[Ailment]:
    """Whether the binding that the pod names is there and answered."""
    wanted = asked(facts.pod) or injected(facts.pod) if facts.pod else ""
    if facts.binding is None:
        if wanted and not any(note.what == "mlflowbindings" for note in facts.unread):
            there = ", ".join(facts.bindings) or "none"
            yield Ailment(
                Failure.URI,
                "BindingMissing",
                f"there is no MlflowBinding {wanted} in namespace {facts.namespace} (there: "
                f"{there}); pods that name it are refused.",
                "Name one that is there, or make it: kubectl apply an MlflowBinding with "
                "spec.workspaceRef.",
            )
        return
    found = readiness(facts.binding)
    if not found.holds:
        yield Ailment(
            Failure.URI,
            found.reason,
            f"MlflowBinding {facts.binding['metadata']['name']} is not ready: "
            f"{blanked(found.message)}",
        )


def of_the_workspace(facts: Facts) -> Iterator[Ailment]:
    """Whether the workspace is there and proven, part by part."""
    if facts.binding is None:
        return
    namespace, name = claimed(facts.binding)
    if facts.workspace is None:
        if not any(note.what == "mlflowworkspaces" for note in facts.unread):
            yield Ailment(
                Failure.URI,
                "WorkspaceMissing",
                f"the binding claims MlflowWorkspace {name} in namespace {namespace}, which is "
                "not there.",
                "Make the workspace, or claim another one.",
            )
        return
    false = [
        (kind, found)
        for kind in FAILURES
        if (found := condition(facts.workspace, kind)) and found["status"] == "False"
    ]
    for kind, found in false:
        message = found.get("message", "")
        of_the_canary = failure_of(message.partition(":")[0])
        failure = FAILURES[kind] if of_the_canary is Failure.OTHER else of_the_canary
        yield Ailment(
            failure,
            found["reason"],
            f"MlflowWorkspace {namespace}/{name}, {kind}: {blanked(message)}",
        )
    ready = readiness(facts.workspace)
    if not ready.holds and not false:
        yield Ailment(
            Failure.OTHER,
            ready.reason,
            f"MlflowWorkspace {namespace}/{name}, {READY}: {blanked(ready.message)}",
        )


def of_rotation(facts: Facts) -> Iterator[Ailment]:
    """Whether a living pod holds credentials that were replaced and are no longer good."""
    status = ((facts.pod or {}).get("status") or {}) if facts.alive else {}
    credentials = ((facts.workspace or {}).get("status") or {}).get("credentials") or {}
    began, made = status.get("startTime"), credentials.get("lastRotation")
    if not began or not made or credentials.get("graceEnds") or not _holds_what_rotates(facts):
        return
    replaced = datetime.fromisoformat(made)
    if datetime.fromisoformat(began) < replaced < facts.now - SETTLED:
        yield Ailment(
            Failure.CREDENTIALS,
            "CredentialsReplaced",
            f"the pod started at {began} and took the credentials of that time; they were replaced "
            f"at {made}, and their grace is over.",
            "Start the pod anew. To let old credentials live longer: rotation.grace of the "
            "workspace or its class.",
        )


def _holds_what_rotates(facts: Facts) -> bool:
    """Whether the pod took a login or a key that the operator replaces.

    It replaces no key of a store that is the team's own, nor that of a Google service account, and
    a pod that goes through the tracking server holds none.
    """
    spec = (facts.workspace or {}).get("spec") or {}
    root = ((facts.workspace or {}).get("status") or {}).get("artifactRoot") or ""
    kept = spec.get("artifactStore") or spec.get("artifactAccess") == "Proxied"
    return bool(spec.get("auth")) or not (kept or root.startswith("gs://") or _has_a_token(facts))


def _has_a_token(facts: Facts) -> bool:
    """Whether the pod proves itself with a token, which the kubelet keeps fresh."""
    volumes = (facts.pod or {}).get("spec", {}).get("volumes") or []
    return any(
        "serviceAccountToken" in source
        for volume in volumes
        if volume["name"] == contract.VOLUME_NAME
        for source in (volume.get("projected") or {}).get("sources") or []
    )

"""What `mooring status` tells of workspaces and bindings: from live objects to rows. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mooring import contract

READY: Final = "Ready"
ROUND_TRIP_VERIFIED: Final = "RoundTripVerified"

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether an object is ready: True, False or Unknown, and why not."""

    status: str
    reason: str = ""
    message: str = ""

    @property
    def holds(self) -> bool:
        """Whether it is ready."""
        return self.status == "True"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A row of a workspace; times are RFC 3339, None where the operator says none."""

    namespace: str
    name: str
    ready: Readiness
    proven: str | None
    """Since when the round trip of the canary holds; None while it does not."""
    credentials: str | None
    """When the newest credential in use was made."""
    pods: int | None
    """Living pods that carry a binding to it, of the bindings that were read; None for unknown."""
    findings: int | None
    """Runs and experiments whose artifacts are lost or elsewhere; None where nobody could look."""


@dataclass(frozen=True, slots=True)
class Binding:
    """A row of a binding; `workspace` is NAMESPACE/NAME."""

    namespace: str
    name: str
    ready: Readiness
    workspace: str
    pods: int | None
    """Living pods that carry it; None where pods may not be read."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Which kind may not be read, in which namespace (None for all), and the API server's words."""

    what: str
    namespace: str | None
    why: str


@dataclass(frozen=True, slots=True)
class State:
    """All that was read, and what was not."""

    workspaces: tuple[Workspace, ...]
    bindings: tuple[Binding, ...]
    unread: tuple[Unread, ...]

    @property
    def ready(self) -> bool:
        """Whether all that was read is ready."""
        readies = [*(row.ready for row in self.workspaces), *(row.ready for row in self.bindings)]
        return all(ready.holds for ready in readies)


def state_of(
    workspaces: Iterable[Manifest],
    bindings: Iterable[Manifest],
    pods: Mapping[str, Iterable[Manifest]],
    unread: Iterable[Unread],
) -> State:
    """The rows, in the order of namespace and name.

    `pods` are the living pods with a binding's label, by namespace; a namespace that is not in it
    could not be read.
    """
    living = {
        namespace: Counter(pod["metadata"]["labels"][contract.BINDING_LABEL] for pod in found)
        for namespace, found in pods.items()
    }
    rows = tuple(sorted((_binding(b, living) for b in bindings), key=_place))
    own = tuple(sorted((_workspace(w, rows) for w in workspaces), key=_place))
    return State(own, rows, tuple(unread))


def readiness(live: Manifest) -> Readiness:
    """What `live` says of itself, and whether that is about its newest spec."""
    found = condition(live, READY)
    if found is None:
        return Readiness(
            "Unknown",
            "NotReconciled",
            "the operator has not answered yet; if this lasts, see that it runs: "
            "kubectl get deployments -A -l app.kubernetes.io/name=mooring",
        )
    generation = live["metadata"].get("generation", 0)
    if found.get("observedGeneration", generation) < generation:
        return Readiness(
            "Unknown", "NotReconciled", "the spec has changed, and the operator has not seen it yet"
        )
    if found["status"] == "True":
        return Readiness("True")
    return Readiness(found["status"], found.get("reason", ""), found.get("message", ""))


def condition(live: Manifest, kind: str) -> dict[str, Any] | None:
    """The condition of type `kind`; None where it is not said."""
    conditions = (live.get("status") or {}).get("conditions") or []
    return next((dict(found) for found in conditions if found["type"] == kind), None)


def claimed(binding: Manifest) -> tuple[str, str]:
    """Namespace and name of the workspace that `binding` claims."""
    reference = binding["spec"]["workspaceRef"]
    return reference.get("namespace") or binding["metadata"]["namespace"], reference["name"]


def _workspace(live: Manifest, bindings: Iterable[Binding]) -> Workspace:
    metadata, status = live["metadata"], live.get("status") or {}
    proof = condition(live, ROUND_TRIP_VERIFIED) or {}
    key = f"{metadata['namespace']}/{metadata['name']}"
    counts = [row.pods for row in bindings if row.workspace == key]
    known = [count for count in counts if count is not None]
    return Workspace(
        metadata["namespace"],
        metadata["name"],
        readiness(live),
        proof.get("lastTransitionTime") if proof.get("status") == "True" else None,
        (status.get("credentials") or {}).get("lastRotation"),
        sum(known) if len(known) == len(counts) else None,
        (status.get("findings") or {}).get("total"),
    )


def _binding(live: Manifest, living: Mapping[str, Counter[str]]) -> Binding:
    namespace, name = live["metadata"]["namespace"], live["metadata"]["name"]
    pods = living[namespace][name] if namespace in living else None
    return Binding(namespace, name, readiness(live), "/".join(claimed(live)), pods)


def _place(row: Workspace | Binding) -> tuple[str, str]:
    return row.namespace, row.name

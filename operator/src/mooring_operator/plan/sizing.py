"""What the tracking server of one workspace is to be: its class, changed by its team."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from mooring_operator.api.conditions import Finding
from mooring_operator.api.server import Limits, Resources, ServerDefaults, ServerSpec
from mooring_operator.plan.metadata import Owner
from mooring_operator.plan.quantities import quantity


@dataclass(frozen=True, slots=True)
class Size:
    """How many servers, and how large each is; `replicas` None when an autoscaler decides."""

    replicas: int | None
    resources: Resources


def size(defaults: ServerDefaults, spec: ServerSpec) -> Size:
    """The size that a team asks for, with its class's where it says nothing."""
    ours, theirs = defaults.resources, spec.resources
    resources = Resources(
        requests={**ours.requests, **theirs.requests}, limits={**ours.limits, **theirs.limits}
    )
    return Size(spec.replicas or defaults.replicas, resources)


def excess(workspace: Owner, wanted: Size, limits: Limits) -> Finding | None:
    """What a workspace asks for beyond the limits of its class; None for nothing."""
    for field, found, allowed in _measured(wanted, limits):
        if _number(found) > _number(allowed):
            message = (
                f"MlflowWorkspace {workspace.namespace}/{workspace.name}, spec.server.{field}: "
                f"found {found}, but its class allows at most {allowed}; ask for less, or have "
                "the platform team raise the class's spec.limits"
            )
            return Finding("LimitExceeded", message)
    return None


def _measured(wanted: Size, limits: Limits) -> Iterator[tuple[str, str, str]]:
    if wanted.replicas is not None and limits.replicas is not None:
        yield "replicas", str(wanted.replicas), str(limits.replicas)
    for resource, allowed in (("cpu", limits.cpu), ("memory", limits.memory)):
        for kind, values in (
            ("requests", wanted.resources.requests),
            ("limits", wanted.resources.limits),
        ):
            if allowed is not None and resource in values:
                yield f"resources.{kind}.{resource}", values[resource], allowed


def _number(value: str) -> Decimal:
    return quantity(value) or Decimal(0)

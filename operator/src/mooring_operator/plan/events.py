"""Events: what `kubectl describe` and `kubectl get events` tell of a transition of Ready."""

from collections.abc import Mapping
from typing import Any, Final

from mooring_operator.api.conditions import READY, Verdict
from mooring_operator.plan.metadata import Manifest, digest

MESSAGE_BYTES: Final = 1024
"""What the events.k8s.io API allows of a note."""
CLUSTER_NAMESPACE: Final = "default"
"""Where Kubernetes keeps the Events of objects without a namespace."""


def transition(before: Mapping[str, Any], ready: Verdict) -> bool:
    """Whether the status or the reason of Ready changed, and not merely to what is under way.

    `before` is the status that was.
    """
    if ready.finding is not None and ready.finding.waiting:
        return False
    was: Mapping[str, Any] = next(
        (c for c in before.get("conditions", []) if c["type"] == READY), {}
    )
    status = "True" if ready.ok else "False"
    return (was.get("status"), was.get("reason")) != (status, _reason(ready))


def event(live: Manifest, ready: Verdict, reporter: str, now: str) -> Manifest:
    """The Event for a transition of a live object at `now` (RFC 3339).

    The name stands for the transition, so that it is told once.
    """
    metadata = live["metadata"]
    message = ready.finding.message if ready.finding else ready.holds
    told = digest([metadata["uid"], _reason(ready), message, now])
    keys = ("name", "namespace", "uid", "resourceVersion")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{metadata['name']}.{told}",
            "namespace": metadata.get("namespace", CLUSTER_NAMESPACE),
        },
        "type": "Normal" if ready.ok else "Warning",
        "reason": _reason(ready),
        "message": message.encode()[:MESSAGE_BYTES].decode(errors="ignore"),
        "involvedObject": {
            "apiVersion": live["apiVersion"],
            "kind": live["kind"],
            **{key: metadata[key] for key in keys if key in metadata},
        },
        "source": {"component": reporter},
        "reportingComponent": reporter,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


def _reason(ready: Verdict) -> str:
    return ready.finding.reason if ready.finding else READY

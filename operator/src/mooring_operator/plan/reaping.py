"""When a run that says RUNNING is over: its pod has ended, and nobody has spoken for it since."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from mooring.contract import HEARTBEAT_EVERY_S
from mooring.ending import GONE, Status, ending_of, terminated

ENDED: Final = frozenset({"Succeeded", "Failed"})
"""Phases of a pod none of whose containers runs, or will run, any more."""
LIVING: Final = ",".join(f"status.phase!={phase}" for phase in sorted(ENDED))
"""Selector of fields of the other pods."""
LIVELY: Final = timedelta(seconds=2 * HEARTBEAT_EVERY_S + 15)
"""How long a sign of life counts where nobody knows when the pod ended: one beat may fail."""
GRACE: Final = timedelta(seconds=30)
"""For whoever knows more than the pod's status: an Airflow worker that lives closes the run too."""
_SLACK: Final = timedelta(seconds=5)
"""By how much the clocks of a pod and of its node may differ."""


@dataclass(frozen=True, slots=True)
class End:
    """How a pod ended: the status that its run gets, why in a few words, and when, if known."""

    status: Status
    why: str
    at: datetime | None


def end_of(pod: Mapping[str, Any] | None) -> End | None:
    """How a pod ended; None while it lives. One that is not there was deleted.

    https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
    """
    if pod is None:
        return End(GONE.status, GONE.why, None)
    status = pod.get("status", {})
    if status.get("phase") not in ENDED:
        return None
    # null where nobody knows it, as of a container that was lost with its node
    times = [
        datetime.fromisoformat(at)
        for _, each in terminated(status)
        if (at := each.get("finishedAt"))
    ]
    at = max(times, default=None)
    ending = ending_of(pod)
    return End(ending.status, ending.why, at)


def known_as(pod: Mapping[str, Any]) -> frozenset[str]:
    """What a process in a pod may take for the pod's name: its host's name is all that it sees.

    That is cut off after 63 characters, an indexed Job gives its pods another one, and in the
    network of the node it is the node's.
    """
    name, spec = pod["metadata"]["name"], pod.get("spec", {})
    host = spec.get("nodeName") if spec.get("hostNetwork") else spec.get("hostname")
    return frozenset({name, name[:63], *([host] if host else [])})


def is_over(end: End, sign_of_life: datetime | None, now: datetime) -> bool:
    """Whether the run of a pod that ended so is over.

    A run may be resumed in another pod, and keeps the tag of its first one: what it has told since
    that ended speaks for it, for a while. A time in the future is nobody's but a wrong clock's, and
    counts until it has come.
    """
    if end.at is not None and now - end.at < GRACE:
        return False
    if sign_of_life is None or now - sign_of_life > LIVELY:
        return True
    return end.at is not None and sign_of_life <= end.at + _SLACK


def pod_named(pod: str, binding: str | None) -> tuple[str, str] | None:
    """Namespace and name of the pod that a run's tags name; None where they do not say which.

    The tag of the pod is its name, perhaps with the namespace before it; else the binding's tag,
    `NAMESPACE/NAME`, has that.
    """
    namespace, _, name = pod.rpartition("/")
    namespace = namespace or (binding or "").rpartition("/")[0]
    return (namespace, name) if namespace and name and "/" not in namespace else None

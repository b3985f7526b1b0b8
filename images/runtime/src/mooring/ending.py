"""How a pod ended, in a few words for a run's tag: the reaper and Airflow's worker say the same.

Pure: what goes in is a Pod as the API server gives it, without its types.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

LONGEST: Final = 250
"""Characters of a tag that every version of MLflow takes."""

DELETED: Final = "the pod was deleted"

Status = Literal["FAILED", "KILLED"]


@dataclass(frozen=True, slots=True)
class Ending:
    """The status that the run of a pod gets, and why."""

    status: Status
    why: str


GONE: Final = Ending("KILLED", DELETED)
"""How a pod ended that is not there any more."""


def ending_of(pod: Mapping[str, Any]) -> Ending:
    """What becomes of the run of a pod that has ended, or that is about to be deleted.

    https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
    """
    status = pod.get("status") or {}
    ended = list(terminated(status))
    if told := _told(pod, ended):
        return Ending("FAILED", _cut(told))
    disrupted = _disrupted(status)
    if disrupted or "deletionTimestamp" in pod["metadata"]:
        return Ending("KILLED", f"{DELETED}{disrupted}")
    if failed := _failed(status, ended):
        return Ending("FAILED", _cut(failed))
    return GONE


def _told(pod: Mapping[str, Any], ended: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """What the kubelet or the cluster says for sure, also of a pod that was deleted since."""
    full = [name for name, end in ended if end.get("reason") == "OOMKilled"]
    if full:
        return f"OOMKilled, limit {_memory_limit(pod, full[0])}"
    status = pod.get("status") or {}
    # Evicted, DeadlineExceeded, NodeLost, and what schedulers say
    return f"{status['reason']}: {status.get('message', '')}" if status.get("reason") else ""


def _failed(status: Mapping[str, Any], ended: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """How a pod ended by itself; empty for one that has not ended."""
    for name, end in ended:
        if end.get("exitCode"):
            return f"container {name} ended with exit code {end['exitCode']}"
    phase = str(status.get("phase", "")).lower()
    over = f"the pod {phase}, and never ended its run" if phase in {"succeeded", "failed"} else ""
    return _never_started(status) or over


def terminated(status: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and end of each container that has ended, out of the status of a pod."""
    for each in _containers(status):
        end = (each.get("state") or {}).get("terminated")
        if end:
            yield each["name"], end


def _containers(status: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for kind in ("containerStatuses", "initContainerStatuses"):
        yield from status.get(kind) or ()


def _never_started(status: Mapping[str, Any]) -> str:
    """Why a container waits that the node cannot start; empty where none does."""
    for each in _containers(status):
        waiting = (each.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
            return f"{waiting['reason']}: {waiting.get('message', '')}"
    return ""


def _memory_limit(pod: Mapping[str, Any], container: str) -> str:
    spec = pod.get("spec") or {}
    for each in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        if each["name"] == container:
            limits = (each.get("resources") or {}).get("limits") or {}
            return str(limits.get("memory", "of the node"))
    return "unknown"


def _disrupted(status: Mapping[str, Any]) -> str:
    """https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions."""
    for each in status.get("conditions") or ():
        if each["type"] == "DisruptionTarget" and each["status"] == "True":
            return f": {each.get('reason', '')}"
    return ""


def _cut(words: str) -> str:
    return words[:LONGEST].rstrip(": ")

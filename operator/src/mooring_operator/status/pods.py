"""What the pods of a component say about why it does not work."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from mooring_operator.api.conditions import Finding

_UNDER_WAY: Final = frozenset({"ContainerCreating", "PodInitializing"})


def pod_problem(pods: Iterable[Mapping[str, Any]]) -> Finding | None:
    """The first thing that keeps one of the pods from working; None when nothing does."""
    for pod in pods:
        for container in _containers(pod):
            finding = _container_problem(container)
            if finding is not None:
                return finding
        finding = _unschedulable(pod)
        if finding is not None:
            return finding
    return None


def exit_code(pods: Iterable[Mapping[str, Any]]) -> int | None:
    """The exit code other than 0 of the first container that ended with one."""
    for pod in pods:
        for container in _containers(pod):
            ended = container.get("state", {}).get("terminated")
            if ended and ended["exitCode"]:
                return int(ended["exitCode"])
    return None


def _containers(pod: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    status = pod.get("status", {})
    yield from status.get("initContainerStatuses", [])
    yield from status.get("containerStatuses", [])


def _container_problem(container: Mapping[str, Any]) -> Finding | None:
    name, state = container["name"], container.get("state", {})
    last = container.get("lastState", {}).get("terminated")
    ended = state.get("terminated") or last
    if ended and ended.get("exitCode"):
        said = (ended.get("message") or ended.get("reason") or "").strip()
        return Finding(
            "ContainerFailed", f"container {name} exited with code {ended['exitCode']}: {said}"
        )
    waiting = state.get("waiting")
    if waiting and waiting.get("reason") not in _UNDER_WAY:
        return Finding(
            waiting["reason"], f"container {name} cannot start: {waiting.get('message', '')}"
        )
    return None


def _unschedulable(pod: Mapping[str, Any]) -> Finding | None:
    for condition in pod.get("status", {}).get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return Finding("Unschedulable", condition.get("message", "no node takes the pod"))
    return None

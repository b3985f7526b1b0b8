"""What became of a pod, as the API server tells it; and what of its run, as database and store do.

Nothing here believes the pod.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from mooring import contract
from tests.demo.cluster import kubectl
from tests.demo.store import Run, s3, tracking
from tests.e2e.workspaces import keys
from tests.faults.pods import CONTAINER, SESSION, mark_of

ADMISSION: Final = "admission"
GUARD: Final = "guard"
TRAINING: Final = "exit code"
TASK: Final = "task"
NOBODY: Final = ""

_RAISED: Final = re.compile(r"\w+(Error|Exception): ")
_DENIED: Final = re.compile(r"denied request: (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class End:
    """How a pod ended: who told of a fault, with which words, how many seconds after its start.

    `told_by` is empty where it ended as one ends whose work is done.
    """

    told_by: str
    message: str
    seconds: float


def refusal(said: str, seconds: float) -> End:
    """The end of a pod that the API server did not take."""
    found = _DENIED.search(said)
    return End(ADMISSION, one_line(found[1] if found else said), seconds)


def ended(session: str) -> dict[str, End]:
    """The pods of a session that have ended, by their mark."""
    listed = kubectl("get", "pods", "-A", "-l", f"{SESSION}={session}", "-o", "json")
    ends = {p["metadata"]["labels"]["mark"]: end_of(p) for p in json.loads(listed)["items"]}
    return {mark: end for mark, end in ends.items() if end is not None}


def end_of(pod: Mapping[str, Any]) -> End | None:
    """How a pod ended, None while it goes on."""
    status = pod["status"]
    for entry in status.get("initContainerStatuses", []):
        state = entry["state"].get("terminated", {})
        if entry["name"] == contract.GUARD_CONTAINER and state.get("exitCode"):
            return _told(pod, GUARD, state)
    for entry in status.get("containerStatuses", []):
        state = entry["state"].get("terminated")
        if entry["name"] == CONTAINER and state:
            return _told(pod, TRAINING if state["exitCode"] else NOBODY, state)
    return None


def refused_jobs(session: str) -> dict[str, End]:
    """The Jobs of a session whose pods the API server did not take, by their mark."""
    listed = json.loads(kubectl("get", "jobs", "-A", "-l", f"{SESSION}={session}", "-o", "json"))
    jobs = {job["metadata"]["uid"]: job["metadata"] for job in listed["items"]}
    if not jobs:
        return {}
    events = kubectl("get", "events", "-A", "--field-selector=reason=FailedCreate", "-o", "json")
    found = {}
    for event in json.loads(events)["items"]:
        job = jobs.get(event["involvedObject"].get("uid", ""))
        if job:
            at = event.get("firstTimestamp") or event["metadata"]["creationTimestamp"]
            end = refusal(event["message"], _between(job["creationTimestamp"], at))
            found[job["labels"]["mark"]] = end
    return found


def kept(workspaces: Iterable[str]) -> frozenset[str]:
    """The marks whose run says FINISHED and whose model lies in the workspace's own bucket."""
    marks = set()
    for workspace in workspaces:
        with tracking(workspace) as server, s3() as store:
            files = {key for key in keys(store, workspace) if key.endswith("/artifacts/MLmodel")}
            marks |= {mark_of(run.tags) for run in server.runs() if _landed(run, files)}
    return frozenset(marks)


def _landed(run: Run, files: set[str]) -> bool:
    models = [any(f"/models/{model}/" in key for key in files) for model in run.models]
    return bool(mark_of(run.tags)) and run.status == "FINISHED" and bool(models) and all(models)


def one_line(text: str) -> str:
    """What a person reads of a message first: the guard's sentence, or the last line of a log."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def why_red(log: str) -> str:
    """What a task's log says of why it failed: its last exception, else its last line."""
    raised = [line for line in log.splitlines() if _RAISED.match(line)]
    return raised[-1].removeprefix("MooringError: ") if raised else one_line(log)


def _told(pod: Mapping[str, Any], by: str, state: Mapping[str, Any]) -> End:
    seconds = _between(pod["metadata"]["creationTimestamp"], state["finishedAt"])
    said = state.get("message", "") or (f"exit code {state['exitCode']}" if by else "")
    message = " ".join(said.split()) if by == GUARD else one_line(said)
    return End(by, message if by else "", seconds)


def _between(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()

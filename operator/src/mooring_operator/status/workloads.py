"""What Deployments and Jobs say: done, under way, or failed."""

from collections.abc import Mapping, Sequence
from typing import Any

from mooring_operator.api.conditions import Finding
from mooring_operator.status.pods import pod_problem

Manifest = Mapping[str, Any]


def server_finding(deployment: Manifest | None, pods: Sequence[Manifest]) -> Finding | None:
    """None when the newest server serves; `pods` are asked only for why it does not."""
    if deployment is None:
        return Finding("Creating", "the tracking server is being created", waiting=True)
    status, name = deployment.get("status", {}), deployment["metadata"]["name"]
    wanted = deployment["spec"].get("replicas", 1)
    seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    if (
        seen
        and status.get("updatedReplicas", 0) == wanted
        and status.get("availableReplicas", 0) == wanted
        and status.get("replicas", 0) == wanted
    ):
        return None
    problem = pod_problem(pods)
    if problem is not None:
        return Finding(problem.reason, f"Deployment {name}: {problem.message}", waiting=True)
    return Finding("Starting", f"Deployment {name} is not available yet", waiting=True)


def job_finished(job: Manifest) -> bool | None:
    """True when the Job succeeded, False when it failed, None while it runs."""
    for condition in job.get("status", {}).get("conditions", []):
        if condition["status"] == "True" and condition["type"] in {"Complete", "Failed"}:
            return bool(condition["type"] == "Complete")
    return None


def job_finding(job: Manifest | None, pods: Sequence[Manifest], what: str) -> Finding | None:
    """None when the Job succeeded; `what` says in a few words what it does.

    A pod that succeeded is enough: the Job controller takes three seconds more to say so.
    """
    if job is None:
        return Finding("Creating", f"{what} is being created", waiting=True)
    name, finished = job["metadata"]["name"], job_finished(job)
    if finished or any(pod.get("status", {}).get("phase") == "Succeeded" for pod in pods):
        return None
    problem = pod_problem(pods)
    if finished is None:
        detail = f": {problem.message}" if problem else ""
        return Finding("Running", f"{what} runs (Job {name}){detail}", waiting=True)
    said = problem.message if problem else _failure_message(job)
    return Finding("Failed", f"{what} failed (Job {name}): {said}")


def _failure_message(job: Manifest) -> str:
    for condition in job["status"]["conditions"]:
        if condition["type"] == "Failed":
            return str(condition.get("message", ""))
    return ""

"""A stand-in for the controllers and the kubelet, which cannot run here.

Nothing starts a pod on an API server without nodes, so Jobs never complete and Deployments never
become available by themselves. These functions write the status that the job and deployment
controllers would write.
"""

from datetime import UTC, datetime
from typing import Any

from mooring_operator.kube import BINDING, DEPLOYMENT, JOB, KINDS, POD, WORKSPACE
from tests.integration.operator.api import Api, Manifest


def complete(api: Api, job: Manifest) -> None:
    """Have the Job succeed."""
    _set(api, job, completed())


def completed() -> dict[str, Any]:
    """Return the status of a Job that succeeded just now."""
    now = _now()
    conditions = [_condition("SuccessCriteriaMet", now), _condition("Complete", now)]
    return {"startTime": now, "completionTime": now, "succeeded": 1, "ready": 0,
            "uncountedTerminatedPods": {}, "conditions": conditions}  # fmt: skip


def fail(api: Api, job: Manifest, message: str, at: str | None = None, exit_code: int = 1) -> None:
    """Have the Job fail, with a pod whose container said `message`; `at` is an RFC 3339 time."""
    now = at or _now()
    metadata, template = job["metadata"], job["spec"]["template"]
    name = f"{metadata['name'][:54]}-{metadata['uid'][:8]}"
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": metadata["name"],
             "uid": metadata["uid"], "controller": True}  # fmt: skip
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": metadata["namespace"],
                     "labels": template["metadata"]["labels"], "ownerReferences": [owner]},
        "spec": template["spec"],
    }  # fmt: skip
    api.create(pod)
    container = template["spec"]["containers"][0]["name"]
    ended = {"exitCode": exit_code, "message": message, "reason": "Error"}
    statuses = [{"name": container, "image": "x", "imageID": "", "ready": False,
                 "restartCount": 0, "state": {"terminated": ended}}]  # fmt: skip
    namespace = metadata["namespace"]
    api.patch_status(POD, namespace, name, {"phase": "Failed", "containerStatuses": statuses})
    conditions = [_condition("FailureTarget", now), _condition("Failed", now)]
    _set(api, job, {"startTime": now, "failed": 1, "ready": 0, "uncountedTerminatedPods": {},
                    "conditions": conditions})  # fmt: skip


def serve(api: Api, deployment: Manifest) -> None:
    """Have the newest server of the Deployment become available."""
    metadata = deployment["metadata"]
    status = available(deployment)
    api.patch_status(DEPLOYMENT, metadata["namespace"], metadata["name"], status)


def available(deployment: Manifest) -> dict[str, Any]:
    """Return the status of a Deployment whose newest server serves."""
    wanted = deployment["spec"]["replicas"]
    return {
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": wanted,
        "updatedReplicas": wanted,
        "readyReplicas": wanted,
        "availableReplicas": wanted,
    }


def fake_kubelet(api: Api, namespace: str, jobs: str = "") -> None:
    """Have every Job that the selector `jobs` takes succeed, every Deployment become available."""
    for job in api.list(JOB, namespace, jobs):
        if not job.get("status", {}).get("conditions"):
            complete(api, job)
    for deployment in api.list(DEPLOYMENT, namespace):
        status = deployment.get("status", {})
        if status.get("observedGeneration") != deployment["metadata"]["generation"]:
            serve(api, deployment)


def fake_garbage_collector(api: Api, namespace: str) -> None:
    """Delete what a deleted workspace or binding of the namespace leaves behind."""
    owners = [live for kind in (WORKSPACE, BINDING) for live in api.list(kind, namespace)]
    uids = {live["metadata"]["uid"] for live in owners}
    for kind in KINDS.values():
        for live in api.list(kind, namespace) if kind.namespaced else []:
            references = live["metadata"].get("ownerReferences", [])
            if references and all(reference["uid"] not in uids for reference in references):
                api.delete(kind, namespace, live["metadata"]["name"])


def _set(api: Api, job: Manifest, status: dict[str, Any]) -> None:
    api.patch_status(JOB, job["metadata"]["namespace"], job["metadata"]["name"], status)


def _condition(kind: str, now: str) -> dict[str, str]:
    return {"type": kind, "status": "True", "reason": "Test", "message": "",
            "lastProbeTime": now, "lastTransitionTime": now}  # fmt: skip


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

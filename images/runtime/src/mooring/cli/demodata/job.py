"""The Job that logs demo data beside a binding, and what became of it. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from mooring import contract

EXPERIMENT: Final = "mooring-demo"
CONTAINER: Final = "demo"
KEPT_S: Final = 3600
"""How long the Job and its log are kept after its end."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image with Python and MLflow, and with what and as whom its containers run."""

    name: str
    pull_secrets: Sequence[Mapping[str, str]] = ()
    user: int | None = None


def image_of(server: Mapping[str, Any], *, pulled: bool) -> Image:
    """The image of the Deployment of a tracking server; `pulled` says that its Secrets are here."""
    spec = server["spec"]["template"]["spec"]
    container = spec["containers"][0]
    secrets = spec.get("imagePullSecrets") or () if pulled else ()
    return Image(container["image"], secrets, container["securityContext"].get("runAsUser"))


def demo_job(binding: str, image: Image, *, runs: int, patience_s: int) -> dict[str, Any]:
    """A Job that logs `runs` runs to what `binding` gives it.

    It ends after `patience_s` seconds, also where no pod of it can start. Its pod fits the
    restricted Pod Security Standard.
    """
    script = resources.files(__package__).joinpath("training.py").read_text()
    container = {
        "name": CONTAINER,
        "image": image.name,
        "command": ["python", "-c", script, EXPERIMENT, str(runs)],
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"generateName": "mooring-demo-data-"},
        "spec": {
            "activeDeadlineSeconds": patience_s,
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": KEPT_S,
            "template": {
                "metadata": {"labels": {contract.BINDING_LABEL: binding}},
                "spec": {
                    "containers": [container],
                    "imagePullSecrets": list(image.pull_secrets),
                    "restartPolicy": "Never",
                    "securityContext": {
                        "runAsNonRoot": True,
                        **({"runAsUser": image.user} if image.user else {}),
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                },
            },
        },
    }


def ended(job: Mapping[str, Any]) -> bool | None:
    """Whether a Job has succeeded; None while it runs."""
    for condition in job.get("status", {}).get("conditions") or ():
        if condition["status"] == "True" and condition["type"] in {"Complete", "Failed"}:
            return bool(condition["type"] == "Complete")
    return None


def runs_of(pods: Iterable[Mapping[str, Any]]) -> list[str]:
    """The ids of the runs that the pods of a Job have told."""
    return [
        run
        for pod in pods
        for status in pod.get("status", {}).get("containerStatuses") or ()
        if status["name"] == CONTAINER
        for run in json.loads(status["state"].get("terminated", {}).get("message") or "[]")
    ]

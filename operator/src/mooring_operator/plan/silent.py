"""Pods that ended well and kept nothing, or less than they logged: exit code 0 tells nobody."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mooring.contract import (
    LOGS_ANNOTATION,
    LOGS_NONE,
    LOGS_OPTIONAL,
    POD_REFERENCE,
    RUN_CONTEXT,
    RUN_ID,
)
from mooring_operator.plan.metadata import Manifest

_EXECUTOR_LABEL: Final = "kubernetes_executor"
"""Of Airflow, on the pods of its own workers: most of their tasks train nothing."""
_KEPT: Final = ("apiVersion", "kind")
_KEPT_METADATA: Final = ("name", "namespace", "uid", "resourceVersion")


@dataclass(frozen=True, slots=True)
class Succeeded:
    """A pod that succeeded, as much as is needed of it when it is gone.

    `optional` says that it need not have a run. `owner` is the name of what made it, of a Job for
    example, whose pods may train together and leave one run; empty for none.
    """

    pod: Manifest
    optional: bool
    owner: str

    @property
    def namespace(self) -> str:
        """Where it was."""
        return str(self.pod["metadata"]["namespace"])

    @property
    def uid(self) -> str:
        """What tells it from every other pod."""
        return str(self.pod["metadata"]["uid"])

    @property
    def name(self) -> str:
        """What it was called."""
        return str(self.pod["metadata"]["name"])


def succeeded(pod: Mapping[str, Any]) -> Succeeded | None:
    """What is to be known of a pod whose runs can be told; None of any other.

    It succeeded, and its runs have its name by what the policy gave it, or Airflow's. The task of
    an MlflowPodOperator, which names the pod itself, looks after its own. A run that goes on in
    another pod keeps the tag of its first one.
    """
    metadata = pod["metadata"]
    logs = metadata.get("annotations", {}).get(LOGS_ANNOTATION)
    if pod.get("status", {}).get("phase") != "Succeeded" or logs == LOGS_NONE:
        return None
    env = [e for c in pod["spec"]["containers"] for e in c.get("env", ())]
    named = any(e["name"] == RUN_CONTEXT and POD_REFERENCE in e.get("value", "") for e in env)
    if not named or any(e["name"] == RUN_ID for e in env):
        return None
    owners = (o["name"] for o in metadata.get("ownerReferences", ()) if o.get("controller"))
    kept = {key: metadata[key] for key in _KEPT_METADATA if key in metadata}
    return Succeeded(
        {**{key: pod[key] for key in _KEPT}, "metadata": kept},
        logs == LOGS_OPTIONAL or metadata.get("labels", {}).get(_EXECUTOR_LABEL) == "True",
        next(owners, ""),
    )

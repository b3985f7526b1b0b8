"""Workspaces, bindings and pods as an operator and a kubelet leave them, which do not run here."""

from collections.abc import Mapping
from typing import Any

from kubernetes import client

from mooring import contract
from tests.integration.admission.world import World

SINCE = "2026-01-01T00:00:00Z"


def condition(kind: str, status: str, reason: str = "", message: str = "") -> dict[str, Any]:
    """Return a condition about generation 1."""
    return {
        "type": kind, "status": status, "reason": reason or kind, "message": message,
        "observedGeneration": 1, "lastTransitionTime": SINCE,
    }  # fmt: skip


def workspace(world: World, name: str, *conditions: dict[str, Any], **status: Any) -> None:
    """Make a workspace whose operator says `conditions`; without any, it says nothing."""
    manifest = {"kind": "MlflowWorkspace", "metadata": {"name": name}, "spec": {}}
    _make(world, "mlflowworkspaces", manifest, {"conditions": list(conditions), **status})


def binding(world: World, name: str, *conditions: dict[str, Any], **status: Any) -> None:
    """Make a binding to the workspace `team-a`."""
    spec = {"workspaceRef": {"name": "team-a"}}
    manifest = {"kind": "MlflowBinding", "metadata": {"name": name}, "spec": spec}
    _make(world, "mlflowbindings", manifest, {"conditions": list(conditions), **status})


def pod(world: World, manifest: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    """Make a pod with a status of a kubelet; its name."""
    core = client.CoreV1Api(world.api)
    made = core.create_namespaced_pod(world.namespace, manifest)
    name = str(made.metadata.name)
    core.patch_namespaced_pod_status(name, world.namespace, {"status": dict(status)})
    return name


def _make(world: World, plural: str, manifest: dict[str, Any], status: dict[str, Any]) -> None:
    custom = client.CustomObjectsApi(world.api)
    place = (contract.GROUP, contract.VERSION, world.namespace, plural)
    custom.create_namespaced_custom_object(*place, {"apiVersion": contract.API_VERSION, **manifest})
    name = manifest["metadata"]["name"]
    custom.patch_namespaced_custom_object_status(*place, name, {"status": status})

"""Metadata of what the operator makes: names, labels, owners, and digests of content."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mooring.contract import API_VERSION, GROUP

Manifest = dict[str, Any]

MANAGED_BY: Final = "mooring"
MANAGED_SELECTOR: Final = f"app.kubernetes.io/managed-by={MANAGED_BY}"
UNMANAGED_SELECTOR: Final = f"app.kubernetes.io/managed-by!={MANAGED_BY}"
WORKSPACE_LABEL: Final = f"{GROUP}/workspace"
CLEANUP_FINALIZER: Final = f"{GROUP}/cleanup"
CLASS_ANNOTATION: Final = f"{GROUP}/class"
"""On a workspace: the class that it was provisioned from when its spec names none.

A class that is marked as default later does not move it away from its data.
"""
OPTIONAL_ANNOTATION: Final = f"{GROUP}/optional"
"""On a workspace's Service: which kinds that not every workspace has were made for it.

A setting that is switched off takes its object away, and nobody looks for those that never were.
"""

DATABASE: Final = "database"
STORE: Final = "store"
SERVER: Final = "server"
MIGRATION: Final = "migrate"
CANARY: Final = "canary"
ACCESS: Final = "access"
AUTH: Final = "auth"

_CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Owner:
    """The object that owns what is made for it, always in the same namespace."""

    kind: str
    namespace: str
    name: str
    uid: str

    @property
    def child_name(self) -> str:
        """Name of the children of which there is one per kind."""
        return f"{self.name}-mlflow"

    def child_name_for(self, component: str) -> str:
        """Name of the child with the given role."""
        return f"{self.child_name}-{component}"


def labels(owner: Owner, component: str) -> dict[str, str]:
    """Labels of a child; name, instance and component alone select pods, and never change."""
    return {
        **selector(owner, component),
        "app.kubernetes.io/part-of": "mooring",
        "app.kubernetes.io/managed-by": MANAGED_BY,
        WORKSPACE_LABEL: owner.name,
    }


def selector(owner: Owner, component: str) -> dict[str, str]:
    """Labels that select the pods of a component."""
    return {
        "app.kubernetes.io/name": "mlflow",
        "app.kubernetes.io/instance": owner.name,
        "app.kubernetes.io/component": component,
    }


def child(owner: Owner, api_version: str, kind: str, name: str, component: str) -> Manifest:
    """The head of a manifest that `owner` owns."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": owner.namespace,
            "labels": labels(owner, component),
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": owner.kind,
                    "name": owner.name,
                    "uid": owner.uid,
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
    }


def namespaced_name(live: Manifest) -> tuple[str, str]:
    """Namespace and name of a live object."""
    return live["metadata"]["namespace"], live["metadata"]["name"]


def is_managed(labels: Mapping[str, str]) -> bool:
    """Whether these are the labels of something that the operator made, see MANAGED_SELECTOR."""
    return labels.get("app.kubernetes.io/managed-by") == MANAGED_BY


def owner_of(manifest: Manifest) -> Owner | None:
    """The object that controls a live or planned one; None where there is none."""
    metadata = manifest["metadata"]
    for reference in metadata.get("ownerReferences", []):
        if reference.get("controller"):
            namespace = metadata["namespace"]
            return Owner(reference["kind"], namespace, reference["name"], reference["uid"])
    return None


def belongs(live: Manifest, owner: Owner) -> bool:
    """Whether a live object was made for `owner`, and not for somebody else.

    One without a controller that carries our labels is: its ownerReferences were edited.
    """
    controller = owner_of(live)
    if controller is not None:
        return controller.uid == owner.uid
    carried = live["metadata"].get("labels", {})
    wanted = {"app.kubernetes.io/managed-by": MANAGED_BY, "app.kubernetes.io/instance": owner.name}
    return bool(wanted.items() <= carried.items())


def digest(content: Any) -> str:
    """Twelve hexadecimal digits that stand for JSON content, whatever the order of its keys."""
    return hashlib.sha256(_CANONICAL.encode(content).encode()).hexdigest()[:12]

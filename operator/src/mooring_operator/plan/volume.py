"""The volume of a workspace whose class has no object store: artifacts, and perhaps the runs."""

from typing import Any, Final

from mooring_operator.api.artifactstore import VolumeStore
from mooring_operator.plan.metadata import Manifest, Owner, child

DATA: Final = "data"
DATA_PATH: Final = "/var/lib/mooring"
ARTIFACTS_PATH: Final = f"{DATA_PATH}/artifacts"
SQLITE_URI: Final = f"sqlite:///{DATA_PATH}/mlflow.db"


def volume_claim(workspace: Owner, volume: VolumeStore) -> Manifest:
    """The PersistentVolumeClaim, which outlives its workspace: nobody owns it."""
    name = workspace.child_name_for(DATA)
    head = child(workspace, "v1", "PersistentVolumeClaim", name, DATA)
    metadata = {k: v for k, v in head["metadata"].items() if k != "ownerReferences"}
    spec: dict[str, Any] = {
        "accessModes": [volume.access_mode],
        "resources": {"requests": {"storage": volume.size}},
    }
    if volume.storage_class:
        spec["storageClassName"] = volume.storage_class
    return head | {"metadata": metadata, "spec": spec}


def data_volumes(claim: str | None) -> list[dict[str, Any]]:
    """The volume in a pod; none where there is no claim."""
    return [{"name": DATA, "persistentVolumeClaim": {"claimName": claim}}] if claim else []


def data_mounts(claim: str | None) -> list[dict[str, Any]]:
    """Where it is mounted."""
    return [{"name": DATA, "mountPath": DATA_PATH}] if claim else []

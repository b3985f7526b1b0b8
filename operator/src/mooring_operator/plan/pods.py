"""What every pod of the operator has in common: security, scratch space, the token."""

from typing import Any, Final

from mooring import contract
from mooring_operator.api.image import ContainerImage
from mooring_operator.api.server import ServerDefaults
from mooring_operator.plan.connection import StoreClient

Json = dict[str, Any]

TOKEN_LIFETIME_S: Final = 3600
USER: Final = 10001
"""The user of the project's images, which their files belong to."""

TEMP: Final = "tmp"


def restricted_pod(group: int | None = None) -> Json:
    """Pod fields of the restricted Pod Security Standard, without service links.

    With `group`, its volumes belong to that group and can be written to.

    A Service called `mlflow` would otherwise set MLFLOW_PORT=tcp://…, which the server refuses.
    With a process namespace of the pod, no container's program is its first process: the kernel
    drops SIGTERM for that one until it has a handler, and a server that is stopped while it still
    starts would hang for its whole grace period.
    """
    return {
        "enableServiceLinks": False,
        "shareProcessNamespace": True,
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
            **({"fsGroup": group, "fsGroupChangePolicy": "OnRootMismatch"} if group else {}),
        },
    }


def restricted_container(name: str, image: ContainerImage) -> Json:
    """Container fields of the restricted Pod Security Standard, with a read-only root.

    They do not lean on the pod's: the guard runs in pods of other authors, also as root.
    """
    return {
        "name": name,
        "image": image.image,
        "imagePullPolicy": image.image_pull_policy,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            **({"runAsUser": USER} if image.user == "Fixed" else {}),
            "seccompProfile": {"type": "RuntimeDefault"},
            "capabilities": {"drop": ["ALL"]},
        },
    }


def placement(server: ServerDefaults) -> Json:
    """Pod fields that say on which nodes the pods of a workspace run."""
    fields = {
        "nodeSelector": server.node_selector,
        "tolerations": server.tolerations,
        "affinity": server.affinity,
    }
    return {name: value for name, value in fields.items() if value}


def temp_volume() -> Json:
    """Scratch space: MLflow locks and spools in the temporary folder."""
    return {"name": TEMP, "emptyDir": {}}


def temp_mount() -> Json:
    """Where the scratch space is mounted."""
    return {"name": TEMP, "mountPath": "/tmp"}  # noqa: S108 (a path in the container)


def store_volumes(store: StoreClient, secret: str) -> list[Json]:
    """The volume with the token that the store takes and the files of Secret `secret`, if any."""
    sources: list[Json] = []
    if store.token_audience is not None:
        token = {
            "audience": store.token_audience,
            "expirationSeconds": TOKEN_LIFETIME_S,
            "path": contract.TOKEN_PATH.rsplit("/", 1)[-1],
        }
        sources.append({"serviceAccountToken": token})
    if store.files:
        items = [{"key": name, "path": name} for name in sorted(store.files)]
        sources.append({"secret": {"name": secret, "items": items}})
    return [{"name": contract.VOLUME_NAME, "projected": {"sources": sources}}] if sources else []


def store_mounts(store: StoreClient) -> list[Json]:
    """Where that volume is mounted."""
    if store.token_audience is None and not store.files:
        return []
    return [{"name": contract.VOLUME_NAME, "mountPath": contract.MOUNT_PATH, "readOnly": True}]

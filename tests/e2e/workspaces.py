"""What the tests do to workspaces: make one of its own kind, stop the operator, stop a server.

Several test processes work on one cluster. Who needs the operator says so (`operator_needed`), and
who stops it waits for them.
"""

import base64
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from mooring import contract
from mooring.contract import ROTATE_ANNOTATION
from tests.cluster.files import lock
from tests.cluster.paths import cluster_name
from tests.cluster.process import ClusterError, wait_until
from tests.demo.cluster import TIMEOUT, apply, get, kubectl
from tests.demo.store import s3
from tests.demo.system import MOORING, PLAYGROUND, wait_injected, wait_ready, workspace

DEFAULT_CLASS: Final = "default"
TRAINING_IMAGE: Final = "TRAINING_IMAGE"
"""The variable by which Airflow's DAGs are told of the image."""
OPERATOR: Final = "deploy/mooring"
OPERATOR_PODS: Final = ("pods", "-n", MOORING, "-l", "app.kubernetes.io/name=mooring")


@dataclass(frozen=True, slots=True)
class OwnWorkspace:
    """A workspace of a class of its own, in a namespace of its name."""

    name: str

    @property
    def bucket(self) -> str:
        """The bucket of its class, where that has one."""
        return self.name

    @property
    def object(self) -> tuple[str, ...]:
        """How kubectl is told of it."""
        return (f"mlw/{self.name}", "-n", self.name)

    @property
    def published(self) -> str:
        """Name of the ConfigMap and of the Secret that pods get."""
        return contract.published_name(self.name)

    def secret(self, component: str = "") -> dict[str, str]:
        """What is in the Secret that pods get, or in the one of a component of the workspace."""
        name = f"{self.published}-{component}" if component else self.published
        data = get("secret", name, self.name).get("data", {})
        return {name: base64.b64decode(value).decode() for name, value in data.items()}


@contextmanager
def own_workspace(
    name: str, class_spec: Mapping[str, Any], spec: Mapping[str, Any] | None = None
) -> Iterator[OwnWorkspace]:
    """A workspace called `name` of a class of its own; all of it is deleted after the block.

    `class_spec` is what its class has otherwise than the default one. What a killed test session
    left of it is deleted before.
    """
    mine = OwnWorkspace(name)
    namespace, claim = workspace(name)
    claim["spec"] = {"className": name, **(spec or {})}
    class_ = {
        "apiVersion": contract.API_VERSION,
        "kind": "MlflowWorkspaceClass",
        "metadata": {"name": name},
        "spec": {**get("mlwc", DEFAULT_CLASS)["spec"], **class_spec},
    }
    with operator_needed():
        _remove(mine, wait=True)
    try:
        with operator_needed():
            apply(class_, namespace, claim)
            wait_ready("mlw", name, name)
            wait_injected(name)
        yield mine
    finally:
        with operator_needed():
            _remove(mine, wait=False)


def own_bucket(name: str, credentials: str) -> dict[str, Any]:
    """The artifact store of a class: the default one's, but another bucket and credentials."""
    store = get("mlwc", DEFAULT_CLASS)["spec"]["artifactStore"]["s3"]
    return {"artifactStore": {"s3": {**store, "bucket": name, "credentials": credentials}}}


def _remove(mine: OwnWorkspace, *, wait: bool) -> None:
    name = mine.name
    kubectl("delete", "mlw", name, "-n", name, "--ignore-not-found", TIMEOUT)
    ends = TIMEOUT if wait else "--wait=false"
    kubectl("delete", "namespace", name, "--ignore-not-found", ends)
    kubectl("delete", "mlwc", name, "--ignore-not-found", TIMEOUT)
    with s3() as client:
        remove_bucket(client, mine.bucket)


def operator_needed() -> AbstractContextManager[None]:
    """Nobody stops the operator while the block runs."""
    return lock(_operator(), shared=True)


@contextmanager
def operator_stopped() -> Iterator[None]:
    """No operator runs while the block does, so nobody heals what it breaks."""
    with lock(_operator()):
        kubectl("scale", "-n", MOORING, OPERATOR, "--replicas=0")
        try:
            kubectl("wait", *OPERATOR_PODS, "--for=delete", TIMEOUT)
            yield
        finally:
            start_operator()


def _operator() -> str:
    return f"{cluster_name()}-operator"


@contextmanager
def suspended(mine: OwnWorkspace) -> Iterator[None]:
    """The operator leaves the workspace as it is while the block runs: what is broken stays so."""
    _suspend(mine, value=True)
    try:
        kubectl("wait", *mine.object, "--for=condition=Suspended", TIMEOUT)
        yield
    finally:
        _suspend(mine, value=False)


def _suspend(mine: OwnWorkspace, *, value: bool) -> None:
    patch = json.dumps({"spec": {"suspend": value}})
    kubectl("patch", *mine.object, "--type=merge", "-p", patch)


def rotate(mine: OwnWorkspace) -> None:
    """Ask for other credentials; returns at once."""
    value = uuid.uuid4().hex
    kubectl("annotate", *mine.object, f"{ROTATE_ANNOTATION}={value}", "--overwrite")


def start_operator() -> None:
    """Have the operator run."""
    kubectl("scale", "-n", MOORING, OPERATOR, "--replicas=1")
    kubectl("rollout", "status", "-n", MOORING, OPERATOR, TIMEOUT)


def stop_server(name: str) -> None:
    """Take down the tracking server of the workspace called `name`."""
    kubectl("scale", "-n", name, f"deploy/{name}-mlflow", "--replicas=0")
    server = f"app.kubernetes.io/instance={name},app.kubernetes.io/component=server"
    kubectl("wait", "pods", "-n", name, "-l", server, "--for=delete", TIMEOUT)


def start_server(name: str) -> None:
    """Have the tracking server of the workspace called `name` up again."""
    kubectl("scale", "-n", name, f"deploy/{name}-mlflow", "--replicas=1")
    kubectl("rollout", "status", "-n", name, f"deploy/{name}-mlflow", TIMEOUT)


def restart_server(name: str) -> None:
    """End the pod of the tracking server of the workspace called `name`; there is another then."""
    server = ("-n", name, "-l", "app.kubernetes.io/component=server")
    kubectl("delete", "pods", *server, TIMEOUT)
    kubectl("rollout", "status", "-n", name, f"deploy/{name}-mlflow", TIMEOUT)


def overwrite(mine: OwnWorkspace, values: Mapping[str, str]) -> None:
    """Put other values into the workspace's published Secret."""
    patch = json.dumps({"stringData": values})
    kubectl("patch", "secret", mine.published, "-n", mine.name, "--type=merge", "-p", patch)


def select(query: str) -> set[str]:
    """The one column that the administrator of the database server gets for a query."""
    psql = ("exec", "-n", PLAYGROUND, "postgresql-0", "--", "psql", "--host=/tmp", "-tAc", query)
    return set(kubectl(*psql, "postgres", "postgres").split())


def remove_bucket(client: Any, bucket: str) -> None:
    """Delete a bucket with all that is in it; fine when there is none."""
    if bucket not in {entry["Name"] for entry in client.list_buckets()["Buckets"]}:
        return
    for key in keys(client, bucket):
        client.delete_object(Bucket=bucket, Key=key)
    client.delete_bucket(Bucket=bucket)


def keys(client: Any, bucket: str, prefix: str = "") -> list[str]:
    """The keys of a bucket below `prefix`."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def hand_wired(binding: str, namespace: str) -> dict[str, Any]:
    """Operator arguments that wire a pod to a workspace by hand, as people do without Mooring.

    The same environment and token as Mooring's fragment has, but no label, no guard, no tags, and
    nothing by which the `mooring` in the image would know of a binding.
    """
    fragment = get("mlb", binding, namespace)["status"]["pod"]
    base = {
        "name": "base",
        "env": [{"name": contract.BINDING, "value": ""}],
        "envFrom": fragment["envFrom"],
        "volumeMounts": fragment["volumeMounts"],
    }
    spec = {"containers": [base], "volumes": fragment["volumes"]}
    return {"namespace": namespace, "pod_template_dict": {"spec": spec}}


def end_sidecar(namespace: str, pod: str, sidecar: str) -> None:
    """End a container of the pod, the shell that waits for what is handed on by XCom."""
    # It ignores every other signal, being the container's first process. The container may take
    # the session with it before that has told how it went.
    with suppress(ClusterError):
        kubectl("exec", "-n", namespace, pod, "-c", sidecar, "--", "sh", "-c", "kill -INT 1")
    wait_until(lambda: _has_ended(namespace, pod, sidecar), f"{sidecar} of {pod} to end")


def _has_ended(namespace: str, pod: str, container: str) -> bool:
    statuses = get("pod", pod, namespace)["status"]["containerStatuses"]
    return any("terminated" in s["state"] for s in statuses if s["name"] == container)


def training_image() -> str:
    """The image that Airflow's pods train with, for pods that others start."""
    containers = get("deploy", "airflow", PLAYGROUND)["spec"]["template"]["spec"]["containers"]
    return next(
        str(entry["value"])
        for container in containers
        for entry in container.get("env", [])
        if entry["name"] == TRAINING_IMAGE
    )

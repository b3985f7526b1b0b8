"""The Kubernetes API: the only module that imports its client.

Four verbs over plain manifests. Writes are server-side apply under one field manager, so every
write may be repeated; see
https://kubernetes.io/docs/reference/using-api/server-side-apply/.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from mooring.contract import API_VERSION

Manifest = dict[str, Any]

FIELD_MANAGER: Final = "mooring-operator"
REQUEST_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object, and where its API lies."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path of a collection (no name), an object or its subresource."""
        root = "/api/v1" if self.api_version == "v1" else f"/apis/{self.api_version}"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return "/".join(filter(None, (f"{root}{scope}/{self.plural}", name, subresource)))


WORKSPACE_CLASS: Final = Kind(
    API_VERSION, "MlflowWorkspaceClass", "mlflowworkspaceclasses", namespaced=False
)
WORKSPACE: Final = Kind(API_VERSION, "MlflowWorkspace", "mlflowworkspaces")
BINDING: Final = Kind(API_VERSION, "MlflowBinding", "mlflowbindings")
NAMESPACE: Final = Kind("v1", "Namespace", "namespaces", namespaced=False)
SECRET: Final = Kind("v1", "Secret", "secrets")
CONFIG_MAP: Final = Kind("v1", "ConfigMap", "configmaps")
SERVICE: Final = Kind("v1", "Service", "services")
SERVICE_ACCOUNT: Final = Kind("v1", "ServiceAccount", "serviceaccounts")
POD: Final = Kind("v1", "Pod", "pods")
DEPLOYMENT: Final = Kind("apps/v1", "Deployment", "deployments")
JOB: Final = Kind("batch/v1", "Job", "jobs")
ROLE_BINDING: Final = Kind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")

KINDS: Final = {
    (kind.api_version, kind.kind): kind
    for kind in (
        WORKSPACE_CLASS,
        WORKSPACE,
        BINDING,
        SECRET,
        CONFIG_MAP,
        SERVICE,
        SERVICE_ACCOUNT,
        DEPLOYMENT,
        JOB,
        ROLE_BINDING,
    )
}


class KubeError(Exception):
    """The API server refused or did not answer; `status` is its HTTP status, 0 for none."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Kube(Protocol):
    """What reconciliation needs of the API server."""

    def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """The live object, None where there is none."""

    def search(self, kind: Kind, namespace: str = "", labels: str = "") -> list[Manifest]:
        """The live objects of a namespace, or of all, that carry the labels of the selector."""

    def apply(self, manifest: Manifest, *, status: bool = False) -> Manifest:
        """Server-side apply of the object, or of its status alone; the answer is what it is now."""

    def set_finalizers(self, manifest: Manifest, finalizers: list[str]) -> None:
        """Replace the finalizers of a live object unless it changed meanwhile (409)."""

    def delete(self, kind: Kind, namespace: str, name: str) -> None:
        """Delete the object and, in the background, what it owns; none there is fine."""


class ApiServer:
    """`Kube` by the official client, from inside a cluster or by the user's kubeconfig."""

    def __init__(self, connections: int) -> None:
        """Read the connection from the pod or from the kubeconfig; `connections` are pooled."""
        configuration = client.Configuration()
        try:
            config.load_incluster_config(configuration)
        except config.ConfigException:
            config.load_kube_config(client_configuration=configuration)
        configuration.connection_pool_maxsize = connections
        self._client = client.ApiClient(configuration)

    def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """See `Kube.get`."""
        try:
            return self._call("GET", kind.path(namespace, name))
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    def search(self, kind: Kind, namespace: str = "", labels: str = "") -> list[Manifest]:
        """See `Kube.search`."""
        query = [("labelSelector", labels)] if labels else []
        answer = self._call("GET", kind.path(namespace), query=query)
        items: list[Manifest] = answer.get("items", [])
        return [item | {"apiVersion": kind.api_version, "kind": kind.kind} for item in items]

    def apply(self, manifest: Manifest, *, status: bool = False) -> Manifest:
        """See `Kube.apply`."""
        return self._call(
            "PATCH",
            _path(manifest, "status" if status else ""),
            query=[("fieldManager", FIELD_MANAGER), ("force", "true")],
            body=manifest,
            content_type="application/apply-patch+yaml",
        )

    def set_finalizers(self, manifest: Manifest, finalizers: list[str]) -> None:
        """See `Kube.set_finalizers`."""
        metadata = {
            "finalizers": finalizers,
            "resourceVersion": manifest["metadata"]["resourceVersion"],
        }
        self._call(
            "PATCH",
            _path(manifest),
            query=[("fieldManager", FIELD_MANAGER)],
            body={"metadata": metadata},
            content_type="application/merge-patch+json",
        )

    def delete(self, kind: Kind, namespace: str, name: str) -> None:
        """See `Kube.delete`."""
        try:
            self._call(
                "DELETE",
                kind.path(namespace, name),
                body={"kind": "DeleteOptions", "propagationPolicy": "Background"},
            )
        except KubeError as error:
            if error.status != 404:
                raise

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: list[tuple[str, str]] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
    ) -> Manifest:
        headers = {"Accept": "application/json", "Content-Type": content_type}
        try:
            response = self._client.call_api(
                path,
                method,
                query_params=query or [],
                header_params=headers,
                body=None if body is None else dict(body),
                auth_settings=["BearerToken"],
                _preload_content=False,
                _return_http_data_only=True,
                _request_timeout=REQUEST_TIMEOUT_S,
            )
        except ApiException as error:
            raise KubeError(error.status or 0, _message(method, path, error)) from None
        answer: Manifest = json.loads(response.data)
        return answer


def _kind(manifest: Manifest) -> Kind:
    return KINDS[(manifest["apiVersion"], manifest["kind"])]


def _path(manifest: Manifest, subresource: str = "") -> str:
    metadata = manifest["metadata"]
    return _kind(manifest).path(metadata.get("namespace", ""), metadata["name"], subresource)


def _message(method: str, path: str, error: ApiException) -> str:
    try:
        said = json.loads(error.body or "{}").get("message", "")
    except ValueError:
        said = ""
    return f"{method} {path}: {said or error.reason}"

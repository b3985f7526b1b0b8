"""The Kubernetes API: the only module that talks to it, except for kopf's watches.

Plain HTTP instead of the official client, which alone costs 56 MB of memory
(docs/decisions/0001-http-instead-of-the-kubernetes-client.md).

Four verbs over plain manifests. Writes are server-side apply under one field manager, so every
write may be repeated; see
https://kubernetes.io/docs/reference/using-api/server-side-apply/.
"""

import base64
import json
import logging
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlencode

import kopf
import urllib3

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
    """The API server refused or did not answer.

    `status` is its HTTP status, 0 for none; `said` is its sentence alone.
    """

    def __init__(self, status: int, said: str, request: str = "") -> None:
        super().__init__(f"{request}: {said}" if request else said)
        self.status = status
        self.said = said


class Kube(Protocol):
    """What reconciliation needs of the API server."""

    def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """The live object, None where there is none."""

    def search(self, kind: Kind, namespace: str = "", labels: str = "") -> list[Manifest]:
        """The live objects of a namespace, or of all, that carry the labels of the selector."""

    def apply(self, manifest: Manifest, *, status: bool = False) -> Manifest:
        """Server-side apply of the object, or of its status alone; the answer is what it is now."""

    def merge(self, live: Manifest, fields: Mapping[str, Any]) -> Manifest:
        """Merge `fields` into a live object; lists are replaced as a whole.

        With metadata.resourceVersion among them, only if it did not change meanwhile (409).
        """

    def delete(self, kind: Kind, namespace: str, name: str) -> None:
        """Delete the object and, in the background, what it owns; none there is fine."""


def connection_info() -> kopf.ConnectionInfo:
    """Where the API server is and who we are: the pod's service account, or the kubeconfig.

    Raises KubeError where there is neither.
    """
    context: Any = {"logger": logging.getLogger("kopf"), "settings": kopf.OperatorSettings()}
    info = kopf.login_with_service_account(**context) or kopf.login_with_kubeconfig(**context)
    if info is None:
        raise KubeError(0, "neither a service account nor a kubeconfig says where the cluster is")
    return info


class ApiServer:
    """`Kube` over HTTP; every method may be called from any thread."""

    def __init__(self, connections: int) -> None:
        """Read the connection; `connections` are kept open."""
        self._info = connection_info()
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            block=True,
            retries=False,
            timeout=urllib3.Timeout(connect=5, read=REQUEST_TIMEOUT_S),
            ssl_context=_ssl_context(self._info),
        )

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

    def merge(self, live: Manifest, fields: Mapping[str, Any]) -> Manifest:
        """See `Kube.merge`."""
        return self._call(
            "PATCH",
            _path(live),
            query=[("fieldManager", FIELD_MANAGER)],
            body=fields,
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
        url = f"{self._info.server}{path}?{urlencode(query or [])}"
        data = None if body is None else json.dumps(body)
        try:
            response = self._pool.request(
                method, url, body=data, headers=self._headers(content_type)
            )
            if response.status == 401:
                # a projected token is replaced in its file before it expires
                self._info = connection_info()
                headers = self._headers(content_type)
                response = self._pool.request(method, url, body=data, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise KubeError(0, str(error), f"{method} {path}") from None
        if response.status >= 400:
            raise KubeError(response.status, _said(response), f"{method} {path}")
        answer: Manifest = json.loads(response.data)
        return answer

    def _headers(self, content_type: str) -> dict[str, str]:
        headers = {"Accept": "application/json", "Content-Type": content_type}
        if self._info.token:
            headers["Authorization"] = f"{self._info.scheme or 'Bearer'} {self._info.token}"
        return headers


def _kind(manifest: Manifest) -> Kind:
    return KINDS[(manifest["apiVersion"], manifest["kind"])]


def _path(manifest: Manifest, subresource: str = "") -> str:
    metadata = manifest["metadata"]
    return _kind(manifest).path(metadata.get("namespace", ""), metadata["name"], subresource)


def _said(response: urllib3.BaseHTTPResponse) -> str:
    """What the API server says about a refusal, from its Status object."""
    try:
        return str(json.loads(response.data)["message"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {response.status}"


def _ssl_context(info: kopf.ConnectionInfo) -> ssl.SSLContext:
    authority = info.ca_data
    context = ssl.create_default_context(
        cafile=info.ca_path,
        cadata=base64.b64decode(authority).decode() if authority else None,
    )
    if info.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate, key = info.certificate_path, info.private_key_path
    if certificate and key:
        context.load_cert_chain(certificate, key)
    elif info.certificate_data and info.private_key_data:
        _load_inline(context, info.certificate_data, info.private_key_data)
    return context


def _load_inline(context: ssl.SSLContext, *parts: str | bytes) -> None:
    """Load a certificate and key that the kubeconfig holds itself: OpenSSL reads only files."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "client.pem")
        file.touch(mode=0o600)
        file.write_bytes(b"\n".join(base64.b64decode(part) for part in parts))
        context.load_cert_chain(file)

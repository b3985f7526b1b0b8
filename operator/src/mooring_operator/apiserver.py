"""The API server over HTTP: the only module that talks to it, except for kopf's watches.

Plain HTTP instead of the official client, which alone costs 56 MB of memory
(docs/decisions/0001-http-instead-of-the-kubernetes-client.md).
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import kopf
import urllib3

from mooring_operator.apiserver_tls import tls
from mooring_operator.kube import (
    EVENT,
    FIELD_MANAGER,
    KINDS,
    LEASE,
    NAMESPACE,
    Kind,
    KubeError,
    Manifest,
)

CONNECT_TIMEOUT_S: Final = 5.0
REQUEST_TIMEOUT_S: Final = 30.0
SERVED_S: Final = 1.0
WATCH_S: Final = 270
PAGE: Final = 100
NAMES: Final = 500
"""Objects of a page of which only the metadata is asked for."""
SILENCE_S: Final = 90.0
"""The API server sends a bookmark to every watch once a minute; a silent one is dead."""

_KINDS: Final = KINDS | {(kind.api_version, kind.kind): kind for kind in (EVENT, LEASE)}
_METADATA: Final = "application/json;as={};g=meta.k8s.io;v=v1"
"""https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches"""


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
    """`Server` over HTTP; every method may be called from any thread."""

    def __init__(self, connections: int, may_write: Callable[[], bool] = lambda: True) -> None:
        """Read the connection; `connections` are kept open.

        Writes raise KubeError while `may_write` says no.
        """
        self._may_write = may_write
        self._info = connection_info()
        self._served: dict[Kind, tuple[float, bool]] = {}
        self._cluster = ""
        # the pool of the one host, because a manager of pools takes longer than a request
        self._pool = urllib3.connection_from_url(
            self._info.server, maxsize=connections, block=True, **tls(self._info)
        )
        self._root = urlsplit(self._info.server).path.rstrip("/")

    def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """See `Server.get`."""
        try:
            return self._call("GET", kind.path(namespace, name))
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    def search(self, kind: Kind, namespace: str = "", labels: str = "") -> list[Manifest]:
        """See `Server.search`."""
        query = [("labelSelector", labels)] if labels else []
        answer = self._call("GET", kind.path(namespace), query=query)
        items: list[Manifest] = answer.get("items", [])
        return [item | {"apiVersion": kind.api_version, "kind": kind.kind} for item in items]

    def walk(
        self, kind: Kind, labels: str, namespace: str = "", fields: str = ""
    ) -> Iterator[Manifest]:
        """See `Server.walk`: a list of thousands at once is ten times as large in memory."""
        selectors = [("labelSelector", labels), ("fieldSelector", fields)]
        query = [("limit", str(PAGE)), *(each for each in selectors if each[1])]
        try:
            for item in self._pages(kind.path(namespace), query):
                yield item | {"apiVersion": kind.api_version, "kind": kind.kind}
        except KubeError as error:
            if error.status != 404:
                raise

    def _pages(
        self, path: str, query: Sequence[tuple[str, str]], accept: str = "application/json"
    ) -> Iterator[Manifest]:
        """The objects of a list, page by page as `query` limits them."""
        more = ""
        while True:
            following = [("continue", more)] if more else []
            answer = self._call("GET", path, query=[*query, *following], accept=accept)
            # a list of metadata that is empty is null
            yield from answer.get("items") or []
            more = answer["metadata"].get("continue", "")
            if not more:
                return

    def serves(self, kind: Kind) -> bool:
        """See `Server.serves`; asked once a second at most."""
        until, known = self._served.get(kind, (0.0, False))
        now = time.monotonic()
        if now >= until:
            known = self._knows(kind)
            self._served[kind] = (now + SERVED_S, known)
        return known

    def cluster(self) -> str:
        """See `Server.cluster`; asked once. KubeError before the API server has made it."""
        if not self._cluster:
            self._cluster = self._call("GET", NAMESPACE.path(name="kube-system"))["metadata"]["uid"]
        return self._cluster

    def _knows(self, kind: Kind) -> bool:
        try:
            answer = self._call("GET", f"/apis/{kind.api_version}")
        except KubeError as error:
            if error.status == 404:
                return False
            raise
        return any(resource["name"] == kind.plural for resource in answer["resources"])

    def apply(self, manifest: Manifest, *, status: bool = False) -> Manifest:
        """See `Server.apply`."""
        return self._call(
            "PATCH",
            _path(manifest, "status" if status else ""),
            query=[("fieldManager", FIELD_MANAGER), ("force", "true")],
            body=manifest,
            content_type="application/apply-patch+yaml",
        )

    def create(self, manifest: Manifest) -> Manifest:
        """See `Server.create`."""
        path = _kind(manifest).path(manifest["metadata"]["namespace"])
        return self._call("POST", path, query=[("fieldManager", FIELD_MANAGER)], body=manifest)

    def merge(self, live: Manifest, fields: Mapping[str, Any]) -> Manifest:
        """See `Server.merge`."""
        return self._call(
            "PATCH",
            _path(live),
            query=[("fieldManager", FIELD_MANAGER)],
            body=fields,
            content_type="application/merge-patch+json",
        )

    def delete(self, kind: Kind, namespace: str, name: str, version: str = "") -> None:
        """See `Server.delete`."""
        options: Manifest = {"kind": "DeleteOptions", "propagationPolicy": "Background"}
        if version:
            options["preconditions"] = {"resourceVersion": version}
        try:
            self._call("DELETE", kind.path(namespace, name), body=options)
        except KubeError as error:
            if error.status != 404:
                raise

    def names(self, kind: Kind, namespace: str, fields: str) -> Iterator[str]:
        """See `Server.names`."""
        query = [("fieldSelector", fields), ("limit", str(NAMES))]
        accept = _METADATA.format("PartialObjectMetadataList")
        for item in self._pages(kind.path(namespace), query, accept):
            yield item["metadata"]["name"]

    def version(self, kind: Kind, labels: str, fields: str = "") -> str:
        """The resource version from which `watch` tells all that comes."""
        answer = self._call(
            "GET",
            kind.path(),
            query=[("labelSelector", labels), ("fieldSelector", fields), ("limit", "1")],
            accept=_METADATA.format("PartialObjectMetadataList"),
        )
        version: str = answer["metadata"]["resourceVersion"]
        return version

    def watch(
        self, kind: Kind, labels: str, since: str, fields: str = ""
    ) -> Iterator[tuple[str, Manifest]]:
        """Type and metadata of each event after the resource version `since`, for minutes.

        The API server leaves everything but the metadata out. BOOKMARK events bring nothing but a
        newer resource version. Raises KubeError: 410 where `since` is too old.
        """
        query = [
            ("labelSelector", labels),
            ("fieldSelector", fields),
            ("resourceVersion", since),
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", str(WATCH_S)),
        ]
        path, accept = kind.path(), _METADATA.format("PartialObjectMetadata")
        try:
            with self._request("GET", path, query, accept=accept, stream=True) as response:
                for line in response:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        status = event["object"]
                        raise KubeError(status["code"], status["message"], f"watch {path}")
                    yield event["type"], event["object"]["metadata"]
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            # ValueError: the end of a line is missing
            raise KubeError(0, str(error), f"watch {path}") from None

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: list[tuple[str, str]] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Manifest:
        if method != "GET" and not self._may_write():
            raise KubeError(0, "this process does not hold the lease", f"{method} {path}")
        try:
            response = self._request(
                method, path, query or [], body=body, content_type=content_type, accept=accept
            )
        except urllib3.exceptions.HTTPError as error:
            raise KubeError(0, str(error), f"{method} {path}") from None
        answer: Manifest = json.loads(response.data)
        return answer

    def _request(
        self,
        method: str,
        path: str,
        query: list[tuple[str, str]],
        *,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        accept: str,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        """The answer to a request that went well; with `stream`, it has yet to be read."""
        url = f"{self._root}{path}?{urlencode(query)}"
        data = None if body is None else json.dumps(body)
        patience = SILENCE_S if stream else REQUEST_TIMEOUT_S

        def send() -> urllib3.BaseHTTPResponse:
            headers = {"Accept": accept, "Content-Type": content_type}
            if self._info.token:
                headers["Authorization"] = f"{self._info.scheme or 'Bearer'} {self._info.token}"
            return self._pool.urlopen(
                method,
                url,
                body=data,
                headers=headers,
                retries=False,
                preload_content=not stream,
                timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=patience),
            )

        response = send()
        if response.status == 401:
            response.drain_conn()
            # a projected token is replaced in its file before it expires
            self._info = connection_info()
            response = send()
        if response.status >= 400:
            raise KubeError(response.status, _said(response), f"{method} {path}")
        return response


def _kind(manifest: Manifest) -> Kind:
    return _KINDS[(manifest["apiVersion"], manifest["kind"])]


def _path(manifest: Manifest, subresource: str = "") -> str:
    metadata = manifest["metadata"]
    return _kind(manifest).path(metadata.get("namespace", ""), metadata["name"], subresource)


def _said(response: urllib3.BaseHTTPResponse) -> str:
    """What the API server says about a refusal, from its Status object."""
    try:
        return str(json.loads(response.data)["message"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {response.status}"

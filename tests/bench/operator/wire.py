"""The API server as plain HTTP: the official client's decoding would cost more than the answer."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import urllib3

from mooring_operator.kube import Kind

Manifest = dict[str, Any]

CONNECTIONS: Final = 8
PATIENCE_S: Final = 60.0


class Refused(Exception):
    """The API server refused; `status` is its HTTP status."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


class Wire:
    """An administrator's way to an API server; every method may be called from any thread."""

    def __init__(self, kubeconfig: Path) -> None:
        """Read address, certificate and token."""
        config = json.loads(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        self._url = cluster["server"]
        self._headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}
        self._pool = urllib3.PoolManager(
            maxsize=CONNECTIONS, ca_certs=cluster["certificate-authority"], timeout=PATIENCE_S
        )

    def create(self, kind: Kind, manifest: Mapping[str, Any]) -> Manifest:
        """Create the object; the answer is what it is now."""
        path = kind.path(manifest["metadata"].get("namespace", ""))
        return self._call("POST", path, manifest, "application/json")

    def list(self, kind: Kind, namespace: str = "") -> list[Manifest]:
        """The live objects of a namespace, or of all; none of a kind that is not installed."""
        try:
            items: list[Manifest] = self._call("GET", kind.path(namespace))["items"]
        except Refused as refused:
            if refused.status == 404:
                return []
            raise
        return [item | {"apiVersion": kind.api_version, "kind": kind.kind} for item in items]

    def patch(
        self, kind: Kind, live: Mapping[str, Any], change: Mapping[str, Any], part: str = ""
    ) -> None:
        """Merge `change` into a live object, or into its subresource `part`."""
        metadata = live["metadata"]
        path = kind.path(metadata.get("namespace", ""), metadata["name"], part)
        self._call("PATCH", path, change, "application/merge-patch+json")

    def watch(self, kind: Kind, namespace: str = "") -> Iterator[Manifest]:
        """The objects of a kind as they are and as they change; deleted ones are left out."""
        answer = self._pool.request(
            "GET",
            f"{self._url}{kind.path(namespace)}?watch=true",
            headers=self._headers,
            preload_content=False,
            timeout=urllib3.Timeout(connect=PATIENCE_S, read=None),
        )
        try:
            for line in _lines(answer):
                event = json.loads(line)
                if event["type"] != "DELETED":
                    yield event["object"]
        finally:
            answer.close()

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, content_type: str = ""
    ) -> Manifest:
        answer = self._pool.request(
            method,
            f"{self._url}{path}",
            body=None if body is None else json.dumps(body),
            headers={**self._headers, "Content-Type": content_type},
        )
        if answer.status >= 400:
            # plain text where the server does not know the path at all
            raise Refused(answer.status, f"{method} {path}: {answer.data.decode()}")
        document: Manifest = json.loads(answer.data)
        return document


def _lines(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Whole lines of a stream, each as soon as it is there."""
    rest = b""
    for part in answer.stream(amt=None):
        *lines, rest = (rest + part).split(b"\n")
        yield from lines

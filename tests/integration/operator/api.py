"""The API server as the tests see it: by the official client, which the operator does not use."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from kubernetes import client, dynamic
from prometheus_client.parser import text_string_to_metric_families

from mooring_operator.kube import KINDS, NAMESPACE, Kind

Manifest = dict[str, Any]

_WRITES = frozenset({"APPLY", "DELETE", "PATCH", "POST", "PUT"})
_WATCHED = frozenset(kind.plural for kind in (*KINDS.values(), NAMESPACE)) | {"events"}


class Refused(Exception):
    """The API server refused an object; the text is what its author would see."""


class Api:
    """Objects as plain dicts, over an API client that may do everything."""

    def __init__(self, api: client.ApiClient) -> None:
        """Discover the kinds that the server knows."""
        self._api = api
        self._client = dynamic.DynamicClient(api)

    def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """Return the live object, None where there is none."""
        try:
            found: Manifest = self._kind(kind).get(name=name, namespace=namespace or None).to_dict()
        except dynamic.exceptions.NotFoundError:
            return None
        return found

    def list(self, kind: Kind, namespace: str = "", labels: str = "") -> list[Manifest]:
        """Return the live objects of a namespace, or of all; none of a kind that is unknown."""
        try:
            known = self._kind(kind)
            answer = known.get(namespace=namespace or None, label_selector=labels)
        except (dynamic.exceptions.ResourceNotFoundError, dynamic.exceptions.NotFoundError):
            # the second for a kind that the client's cache remembers and that is gone
            return []
        items: list[Manifest] = answer.to_dict()["items"]
        return items

    def create(self, manifest: Manifest, *, dry_run: bool = False) -> Manifest:
        """Create the object, or only have it checked; raises Refused with the server's sentence."""
        namespace = manifest["metadata"].get("namespace")
        try:
            made = self._of(manifest).create(
                body=manifest, namespace=namespace, dry_run="All" if dry_run else None
            )
        except dynamic.exceptions.DynamicApiError as error:
            raise Refused(error.summary()) from error
        created: Manifest = made.to_dict()
        return created

    def apply(self, manifest: Manifest) -> None:
        """Apply the object as Helm does."""
        namespace = manifest["metadata"].get("namespace")
        self._of(manifest).server_side_apply(
            body=manifest, namespace=namespace, field_manager="helm", force_conflicts=True
        )

    def patch(self, kind: Kind, namespace: str, name: str, body: Mapping[str, Any]) -> None:
        """Merge `body` into the object as a person's `kubectl edit` does; raises Refused."""
        try:
            self._kind(kind).patch(
                name=name,
                namespace=namespace or None,
                body=dict(body),
                content_type="application/merge-patch+json",
            )
        except dynamic.exceptions.UnprocessibleEntityError as error:
            raise Refused(error.summary()) from error

    def table(self, kind: Kind, namespace: str, name: str) -> dict[str, Any]:
        """Return what `kubectl get` shows of the object, by column."""
        answer = self._api.call_api(
            kind.path(namespace, name), "GET", auth_settings=["BearerToken"],
            header_params={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"},
            _preload_content=False,
        )  # fmt: skip
        shown = json.loads(answer.data)
        names = [column["name"] for column in shown["columnDefinitions"]]
        return dict(zip(names, shown["rows"][0]["cells"], strict=True))

    def patch_status(self, kind: Kind, namespace: str, name: str, status: Manifest) -> None:
        """Merge `status` into the status of the object, as its controller does."""
        self._kind(kind).status.patch(
            name=name,
            namespace=namespace or None,
            body={"status": status},
            content_type="application/merge-patch+json",
        )

    def delete(self, kind: Kind, namespace: str, name: str) -> None:
        """Delete the object as `kubectl delete` does; none there is fine."""
        options = {"propagationPolicy": "Background"}
        try:
            self._kind(kind).delete(name=name, namespace=namespace or None, body=options)
        except dynamic.exceptions.NotFoundError:
            return

    def clear(self, kind: Kind, namespace: str) -> None:
        """Delete all objects of a kind in the namespace."""
        # a collection is deleted by a selector, also one that matches everything
        self._kind(kind).delete(namespace=namespace, label_selector="none!=none", body={})

    def writes(self) -> Counter[str]:
        """Return how many writes of each `VERB resource/subresource` the server has answered.

        They count whether or not they changed anything; resources that the operator never
        touches are left out, because the server keeps some of those itself.
        """
        counted: Counter[str] = Counter()
        for labels, count in self._answered():
            if labels["verb"] in _WRITES and labels["resource"] in _WATCHED:
                counted[f"{labels['verb']} {labels['resource']}/{labels['subresource']}"] += count
        return counted

    def gets(self, kind: Kind) -> int:
        """Return how many questions for one object of a kind the server has answered."""
        found = (count for labels, count in self._answered()
                 if labels["verb"] == "GET" and labels["resource"] == kind.plural)  # fmt: skip
        return sum(found)

    def _answered(self) -> Iterator[tuple[dict[str, str], int]]:
        """Give the requests that the server has answered, by their labels."""
        answer = self._api.call_api(
            "/metrics", "GET", auth_settings=["BearerToken"], _preload_content=False
        )
        for family in text_string_to_metric_families(answer.data.decode()):
            for sample in family.samples:
                if sample.name == "apiserver_request_total":
                    yield sample.labels, int(sample.value)

    def _of(self, manifest: Manifest) -> Any:
        kinds = self._client.resources
        return kinds.get(api_version=manifest["apiVersion"], kind=manifest["kind"])

    def _kind(self, kind: Kind) -> Any:
        return self._client.resources.get(api_version=kind.api_version, kind=kind.kind)

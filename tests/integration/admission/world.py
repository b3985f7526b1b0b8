"""What the admission tests work with: a namespace, its bindings, and pods that are tried out."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from kubernetes import client, dynamic

from mooring import contract
from mooring_operator.api.image import ContainerImage
from mooring_operator.plan.binding import pod_fragment
from mooring_operator.plan.connection import Connection, StoreClient
from mooring_operator.plan.metadata import Owner
from tests.chart.rendering import Manifest

Pod = dict[str, Any]


class Refused(Exception):
    """The API server refused a pod; the text is what its author would see."""


def fragment(binding: str, *, token: bool = True) -> dict[str, Any]:
    """Return the pod fragment that the operator publishes.

    With `token` as for WorkloadIdentity, without as for Minted credentials, which mount nothing.
    """
    audience = contract.AWS_AUDIENCE if token else None
    store = StoreClient("s3://mlflow/team/models", {}, token_audience=audience)
    workspace = Owner("MlflowWorkspace", "team", binding, "1")
    guard = ContainerImage(image="mooring/runtime:test")
    own = Owner("MlflowBinding", "team", binding, "2")
    return pod_fragment(own, Connection(workspace, store), guard)


def container(name: str = "train", **fields: Any) -> dict[str, Any]:
    """Return a container of a training pod."""
    return {"name": name, "image": "example/train:1", **fields}


def pod(
    binding: str | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    **spec: Any,
) -> Pod:
    """Return a pod that asks for `binding`, with one container unless `spec` says otherwise."""
    asked = {contract.BINDING_LABEL: binding} if binding else {}
    metadata: dict[str, Any] = {"generateName": "train-"}
    if asked or labels:
        metadata["labels"] = asked | dict(labels or {})
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"serviceAccountName": "default", "containers": [container()], **spec},
    }


def sources_of(container: Mapping[str, Any]) -> list[str]:
    """Return the kind and name of each envFrom source, in order, as in `configMapRef/own`."""
    return [
        f"{source.get('prefix', '')}{kind}/{source[kind]['name']}"
        for source in container.get("envFrom", [])
        for kind in ("configMapRef", "secretRef")
        if kind in source
    ]


def bound_sources(binding: str) -> list[str]:
    """Return what `sources_of` gives for the fragment of `binding`."""
    name = contract.published_name(binding)
    return [f"configMapRef/{name}", f"secretRef/{name}"]


def apply(api: client.ApiClient, manifest: Manifest) -> None:
    """Apply an object of the cluster under the name that Helm uses."""
    _resource(api, manifest).server_side_apply(body=manifest, field_manager="helm")


@contextmanager
def installed(api: client.ApiClient, manifests: Sequence[Manifest]) -> Iterator[None]:
    """Have some objects of the cluster there inside the block, and gone after it."""
    with ExitStack() as cleanup:
        for manifest in manifests:
            apply(api, manifest)
            kind = _resource(api, manifest)
            cleanup.callback(kind.delete, name=manifest["metadata"]["name"])
        yield


def _resource(api: client.ApiClient, manifest: Manifest) -> Any:
    kinds = dynamic.DynamicClient(api).resources
    return kinds.get(api_version=manifest["apiVersion"], kind=manifest["kind"])


@dataclass(frozen=True, slots=True)
class World:
    """One namespace of a real API server."""

    api: client.ApiClient
    namespace: str

    def submit(self, pod: Pod) -> Pod:
        """Return the pod as the API server would store it: a dry run, with all of admission.

        Raises Refused with the message that its author would see.
        """
        try:
            answer = client.CoreV1Api(self.api).create_namespaced_pod(
                self.namespace, pod, dry_run="All"
            )
        except client.ApiException as error:
            raise Refused(json.loads(error.body)["message"]) from error
        admitted: Pod = self.api.sanitize_for_serialization(answer)
        return admitted

    def bind(self, name: str, pod_fragment: Mapping[str, Any] | None = None) -> None:
        """Make a binding and answer it, with `fragment(name)` unless told."""
        self.ask(name)
        self.answer(name, pod_fragment or fragment(name))

    def ask(self, name: str) -> None:
        """Make a binding that nobody has answered."""
        client.CustomObjectsApi(self.api).create_namespaced_custom_object(
            contract.GROUP, contract.VERSION, self.namespace, "mlflowbindings",
            {
                "apiVersion": contract.API_VERSION,
                "kind": "MlflowBinding",
                "metadata": {"name": name},
                "spec": {"workspaceRef": {"name": name}},
            },
        )  # fmt: skip

    def answer(self, name: str, pod_fragment: Mapping[str, Any]) -> None:
        """Write `status.pod`, as the operator does."""
        client.CustomObjectsApi(self.api).patch_namespaced_custom_object_status(
            contract.GROUP, contract.VERSION, self.namespace, "mlflowbindings", name,
            {"status": {"pod": dict(pod_fragment)}},
        )  # fmt: skip

    def label(self, **labels: str | None) -> None:
        """Set labels of the namespace; keys with `mooring.dev/` go in by `**{…}`."""
        client.CoreV1Api(self.api).patch_namespace(self.namespace, {"metadata": {"labels": labels}})

    def admits(self, pod: Pod) -> bool:
        """Whether the API server lets `pod` in."""
        try:
            self.submit(pod)
        except Refused:
            return False
        return True

    def injects(self, pod: Pod) -> bool:
        """Whether the API server lets `pod` in with a binding merged into it."""
        try:
            annotations = self.submit(pod)["metadata"].get("annotations", {})
        except Refused:
            return False
        return contract.INJECTED_ANNOTATION in annotations

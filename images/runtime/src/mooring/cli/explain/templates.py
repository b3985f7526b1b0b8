"""The pods that a manifest would make. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mooring import contract

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Template:
    """A pod that `subject` (kind and name) makes; `namespace` is empty where it names none."""

    subject: str
    namespace: str
    pod: Json


def templates_of(documents: Iterable[Any]) -> Iterator[Template]:
    """The pod templates in YAML documents; objects that make no pods are passed over."""
    for document in documents:
        if not isinstance(document, dict):
            continue
        if isinstance(document.get("items"), list):
            yield from templates_of(document["items"])
            continue
        template = _template(document)
        if template is not None:
            metadata = _map(document, "metadata")
            name = metadata.get("name") or metadata.get("generateName") or "without a name"
            namespace = str(metadata.get("namespace") or "")
            yield Template(f"{document.get('kind')} {name}", namespace, _pod(template))


def left_alone(pod: Json) -> Json:
    """`pod` with the label that keeps every binding away."""
    metadata = pod["metadata"]
    labels = {**metadata["labels"], contract.SKIP_LABEL: "true"}
    return {**pod, "metadata": {**metadata, "labels": labels}}


def _template(manifest: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Where the pod stands: in itself, in `template`, or in a CronJob's `jobTemplate`."""
    if manifest.get("kind") == "Pod":
        return manifest
    spec = _map(manifest, "spec")
    found = _map(_map(_map(spec, "jobTemplate"), "spec") or spec, "template")
    return found if "containers" in _map(found, "spec") else None


def _pod(template: Mapping[str, Any]) -> Json:
    """A pod of the template, under a name that no other has."""
    metadata = _map(template, "metadata")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "mooring-explain-",
            "labels": dict(_map(metadata, "labels")),
            "annotations": dict(_map(metadata, "annotations")),
        },
        "spec": dict(_map(template, "spec")),
    }


def _map(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = parent.get(key)
    return found if isinstance(found, dict) else {}

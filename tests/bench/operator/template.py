"""What the operator wrote for one workspace, as a template for any other one.

Taken from managedFields, where the API server keeps which fields of an object a client has set, so
that the floor writes the same objects whatever the operator comes to write.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mooring_operator.kube import BINDING, FIELD_MANAGER, KINDS, WORKSPACE
from tests.bench.operator.wire import Manifest, Wire

WORKSPACE_UID: Final = "@workspace@"
BINDING_UID: Final = "@binding@"
NAMESPACE: Final = "@namespace@"


@dataclass(frozen=True, slots=True)
class Write:
    """One write: `how` is `apply`, `status` (applied) or `metadata` (merged)."""

    how: str
    text: str

    def manifest(self, namespace: str, workspace: str, binding: str) -> Manifest:
        """The document for a workspace in `namespace`; the others are uids."""
        text = self.text.replace(NAMESPACE, namespace).replace(WORKSPACE_UID, workspace)
        document: Manifest = json.loads(text.replace(BINDING_UID, binding))
        return document


def template(wire: Wire, namespace: str, workspace: str) -> list[Write]:
    """Every write that the operator has to make for the workspace, its bindings first."""
    kinds = [kind for kind in KINDS.values() if kind.namespaced]
    lives = [live for kind in kinds for live in wire.list(kind, namespace)]
    uids = {
        live["metadata"]["uid"]: WORKSPACE_UID if live["kind"] == WORKSPACE.kind else BINDING_UID
        for live in lives
        if live["kind"] in {WORKSPACE.kind, BINDING.kind} and live["metadata"]["name"] == workspace
    }
    lives.sort(key=lambda live: live["kind"] != BINDING.kind)
    written = [write for live in lives for write in _writes(live)]
    found = []
    for how, manifest in written:
        text = json.dumps(manifest).replace(namespace, NAMESPACE)
        for uid, mark in uids.items():
            text = text.replace(uid, mark)
        found.append(Write(how, text))
    return found


def _writes(live: Manifest) -> Iterator[tuple[str, Manifest]]:
    metadata = live["metadata"]
    head = {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
    }
    for entry in metadata["managedFields"]:
        if entry["manager"] != FIELD_MANAGER:
            continue
        fields = _picked(live, entry["fieldsV1"])
        how = "status" if entry.get("subresource") else "apply"
        if entry["operation"] == "Update":
            how = "metadata"
        yield (
            how,
            {**head, **fields, "metadata": {**head["metadata"], **fields.get("metadata", {})}},
        )


def _picked(value: Any, fields: Mapping[str, Any]) -> Any:
    """The part of `value` that `fields` names, in the form FieldsV1 (`f:`, `k:` and `v:`)."""
    inner = {key: each for key, each in fields.items() if key != "."}
    if not inner:
        return value
    if isinstance(value, Mapping):
        # the server keeps who set an empty list, but not the list
        names = {key[2:]: each for key, each in inner.items() if key[2:] in value}
        return {name: _picked(value[name], each) for name, each in names.items()}
    return [
        _picked(item, inner[key]) for item in value if (key := _key_of(item, inner)) is not None
    ]


def _key_of(item: Any, fields: Mapping[str, Any]) -> str | None:
    """The key in `fields` of an item of a list; None where it is somebody else's."""
    for key in fields:
        wanted = json.loads(key[2:])
        if item == wanted or (
            isinstance(item, Mapping)
            and isinstance(wanted, Mapping)
            and all(item.get(name) == value for name, value in wanted.items())
        ):
            return key
    return None

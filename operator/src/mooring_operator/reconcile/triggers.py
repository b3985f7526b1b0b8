"""From watch events to keys: which object must be reconciled when another one changes."""

from collections.abc import Iterable, Mapping
from typing import Any

from mooring.contract import API_VERSION
from mooring_operator.queue import Key

Body = Mapping[str, Any]


class Triggers:
    """Decides which keys an event concerns; keeps what it saw of each object of ours.

    An event of our own kinds counts only when someone else than the operator's status writes
    caused it: generation, labels, annotations, finalizers or deletion changed.
    """

    def __init__(self) -> None:
        self._seen: dict[str, object] = {}

    def own(self, event_type: str | None, body: Body) -> list[Key]:
        """Keys for an event of a workspace class, workspace or binding."""
        metadata = body["metadata"]
        if event_type == "DELETED":
            self._seen.pop(metadata["uid"], None)
        else:
            mark = {
                k: v for k, v in metadata.items() if k not in {"resourceVersion", "managedFields"}
            }
            if self._seen.get(metadata["uid"]) == mark:
                return []
            self._seen[metadata["uid"]] = mark
        return list(_own_keys(body))

    def child(self, body: Body) -> list[Key]:
        """Keys for an event of an object that one of ours owns."""
        metadata = body["metadata"]
        return [
            Key(owner["kind"], metadata["namespace"], owner["name"])
            for owner in metadata.get("ownerReferences", [])
            if owner["apiVersion"] == API_VERSION and owner.get("controller")
        ]


def _own_keys(body: Body) -> Iterable[Key]:
    metadata = body["metadata"]
    namespace = metadata.get("namespace", "")
    yield Key(body["kind"], namespace, metadata["name"])
    if body["kind"] == "MlflowBinding":
        # the workspace's store must trust, or no longer trust, the binding's namespace
        ref = body.get("spec", {}).get("workspaceRef", {})
        yield Key("MlflowWorkspace", ref.get("namespace") or namespace, ref.get("name", ""))

"""From watch events to keys: which objects must be reconciled when another one changes.

What is kept here only wakes pipelines up; they read everything anew. An entry of an object whose
deletion a watch missed (kopf does not notice after 410 Gone) costs a look at nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mooring.contract import API_VERSION
from mooring_operator.kube import BINDING, POD, WORKSPACE, WORKSPACE_CLASS
from mooring_operator.plan.binding import workspace_of
from mooring_operator.plan.metadata import WORKSPACE_LABEL
from mooring_operator.queue import Key
from mooring_operator.reconcile.loading import class_name

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Seen:
    """An object of ours as it was last seen, and the object that it depends on."""

    key: Key
    mark: object
    target: Key | None


class Triggers:
    """Decides which keys an event concerns.

    An event of our own kinds counts only when someone else than the operator's status writes
    caused it: generation, labels, annotations, finalizers or deletion changed. Of a class, the
    status of Ready counts too: its workspaces wait for it.
    """

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self._dependents: dict[Key, dict[str, Key]] = {}
        self._labels: dict[str, object] = {}

    def own(self, event_type: str | None, body: Body) -> list[Key]:
        """Keys for an event of a workspace class, workspace or binding."""
        uid = body["metadata"]["uid"]
        before = self._seen.get(uid)
        if event_type == "DELETED":
            self._forget(uid)
            now = _Seen(_key(body), None, _target(body))
        else:
            now = _Seen(_key(body), _mark(body), _target(body))
            if before == now:
                return []
            self._forget(uid)
            self._keep(uid, now)
        keys = [now.key, *self._users_of(now.key), *self.child(body)]
        if now.key.kind == BINDING.kind:
            # the store must trust, or no longer trust, the binding's namespace
            keys += [seen.target for seen in (before, now) if seen and seen.target]
        return list(dict.fromkeys(keys))

    def child(self, body: Body) -> list[Key]:
        """Keys for an event of an object that one of ours owns, or of a pod of such an object."""
        metadata = body["metadata"]
        workspace = metadata.get("labels", {}).get(WORKSPACE_LABEL)
        if body["kind"] == POD.kind and workspace:
            return [Key(WORKSPACE.kind, metadata["namespace"], workspace)]
        return [
            Key(owner["kind"], metadata["namespace"], owner["name"])
            for owner in metadata.get("ownerReferences", [])
            if owner["apiVersion"] == API_VERSION and owner.get("controller")
        ]

    def namespace(self, event_type: str | None, body: Body) -> list[Key]:
        """Keys for an event of a namespace: workspaces may admit it by its labels."""
        name, labels = body["metadata"]["name"], body["metadata"].get("labels", {})
        if event_type == "DELETED":
            self._labels.pop(name, None)
            return []
        if self._labels.setdefault(name, labels) == labels:
            return []
        self._labels[name] = labels
        claims = [
            seen
            for seen in self._seen.values()
            if seen.key.kind == BINDING.kind and seen.key.namespace == name
        ]
        keys = [key for seen in claims for key in (seen.key, seen.target) if key]
        return list(dict.fromkeys(keys))

    def _users_of(self, key: Key) -> Iterator[Key]:
        """What depends on `key`: on a class its workspaces, on those their bindings."""
        found = list(self._dependents.get(key, {}).values())
        if key.kind == WORKSPACE_CLASS.kind and key.name:
            # whichever class is marked as default may have changed with it
            found += self._dependents.get(_DEFAULT_CLASS, {}).values()
        for user in found:
            yield user
            yield from self._users_of(user)

    def _keep(self, uid: str, seen: _Seen) -> None:
        self._seen[uid] = seen
        if seen.target:
            self._dependents.setdefault(seen.target, {})[uid] = seen.key

    def _forget(self, uid: str) -> None:
        seen = self._seen.pop(uid, None)
        if seen and seen.target:
            users = self._dependents[seen.target]
            del users[uid]
            if not users:
                del self._dependents[seen.target]


_DEFAULT_CLASS = Key(WORKSPACE_CLASS.kind, "", "")


def _key(body: Body) -> Key:
    metadata = body["metadata"]
    return Key(body["kind"], metadata.get("namespace", ""), metadata["name"])


def _mark(body: Body) -> object:
    """Everything about an object that is not a write of the operator's own status."""
    ignored = {"resourceVersion", "managedFields"}
    mark: dict[str, Any] = {k: v for k, v in body["metadata"].items() if k not in ignored}
    if body["kind"] == WORKSPACE_CLASS.kind:
        conditions = body.get("status", {}).get("conditions", [])
        mark["ready"] = [c["status"] for c in conditions if c["type"] == "Ready"]
    return mark


def _target(body: Body) -> Key | None:
    if body["kind"] == WORKSPACE.kind:
        return Key(WORKSPACE_CLASS.kind, "", class_name(body) or "")
    if body["kind"] == BINDING.kind:
        return Key(WORKSPACE.kind, *workspace_of(body))
    return None

"""From watch events to keys: which objects must be reconciled when another one changes.

What is kept here only wakes pipelines up; they read everything anew. An entry of an object whose
deletion a watch missed (kopf does not notice after 410 Gone) costs a look at nothing.
"""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from mooring.contract import API_VERSION, BINDING_LABEL
from mooring_operator.kube import (
    BINDING,
    CONFIG_MAP,
    POD,
    SECRET,
    WORKSPACE,
    WORKSPACE_CLASS,
    Kind,
)
from mooring_operator.plan.binding import workspace_of
from mooring_operator.plan.metadata import WORKSPACE_LABEL, digest
from mooring_operator.queue import Key
from mooring_operator.reconcile.loading import class_name

Body = Mapping[str, Any]
Reference = tuple[str, str, str]
"""Kind, namespace and name of a Secret or ConfigMap."""
Indexed = TypeVar("Indexed")


@dataclass(frozen=True, slots=True)
class _Seen:
    """An object of ours as it was last seen, and the object that it depends on."""

    key: Key
    mark: str | None
    target: Key | None
    named: frozenset[Reference] = frozenset()


class Triggers:
    """Decides which keys an event concerns; every method may be called from any thread.

    An event of our own kinds counts only when someone else than the operator's status writes
    caused it: generation, labels, annotations, finalizers or deletion changed. Of a class, the
    status of Ready counts too: its workspaces wait for it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, _Seen] = {}
        self._dependents: dict[Key, dict[str, Key]] = {}
        self._readers: dict[Reference, dict[str, Key]] = {}
        self._labels: dict[str, object] = {}

    def knows(self, body: Body) -> bool:
        """Whether there has been an event of this workspace class, workspace or binding."""
        with self._lock:
            return body["metadata"]["uid"] in self._seen

    def own(self, event_type: str | None, body: Body) -> list[Key]:
        """Keys for an event of a workspace class, workspace or binding."""
        with self._lock:
            return self._own(event_type, body)

    def _own(self, event_type: str | None, body: Body) -> list[Key]:
        uid = body["metadata"]["uid"]
        before = self._seen.get(uid)
        if event_type == "DELETED":
            self._forget(uid)
            now = _Seen(_key(body), None, _target(body))
        else:
            now = _Seen(_key(body), _mark(body), _target(body), _named_in(body))
            if before == now:
                return []
            self._forget(uid)
            self._keep(uid, now)
        keys = [now.key, *self._users_of(now.key), *_owners(body["metadata"])]
        if now.key.kind == BINDING.kind:
            # the store must trust, or no longer trust, the binding's namespace
            keys += [seen.target for seen in (before, now) if seen and seen.target]
        return list(dict.fromkeys(keys))

    def child(self, kind: Kind, metadata: Body) -> list[Key]:
        """Keys for an event of an object that the operator made, or of one of its pods."""
        workspace = metadata.get("labels", {}).get(WORKSPACE_LABEL)
        if kind == POD:
            return [Key(WORKSPACE.kind, metadata["namespace"], workspace)] if workspace else []
        owners = _owners(metadata)
        if not owners and workspace:
            # its ownerReferences were edited; the label names the owner, but not its kind
            return [Key(own.kind, metadata["namespace"], workspace) for own in (WORKSPACE, BINDING)]
        return owners

    def ended(self, metadata: Body) -> Key | None:
        """The workspace that a pod that has ended was bound to; None where nobody knows."""
        label = metadata.get("labels", {}).get(BINDING_LABEL, "")
        binding = Key(BINDING.kind, metadata["namespace"], label)
        with self._lock:
            found = (seen.target for seen in self._seen.values() if seen.key == binding)
            return next(found, None)

    def has_binding(self, namespace: str) -> bool:
        """Whether there is a binding in a namespace."""
        with self._lock:
            found = (seen.key for seen in self._seen.values())
            return any(key.kind == BINDING.kind and key.namespace == namespace for key in found)

    def named(self, kind: Kind, metadata: Body) -> list[Key]:
        """Keys for an event of a Secret or ConfigMap of somebody else: whose spec names it."""
        reference = (kind.kind, metadata["namespace"], metadata["name"])
        with self._lock:
            found = self._readers.get(reference, {}).values()
            keys = [key for reader in found for key in (reader, *self._users_of(reader))]
        return list(dict.fromkeys(keys))

    def namespace(self, metadata: Body) -> list[Key]:
        """Keys for an event of a namespace: workspaces may admit it by its labels."""
        with self._lock:
            return self._namespace(metadata["name"], metadata)

    def _namespace(self, name: str, metadata: Body) -> list[Key]:
        labels = metadata.get("labels", {})
        if "deletionTimestamp" in metadata:
            self._labels.pop(name, None)
            return []
        if self._labels.get(name) == labels:
            return []
        # of the first event nobody knows what it changed
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
        for reference in seen.named:
            self._readers.setdefault(reference, {})[uid] = seen.key

    def _forget(self, uid: str) -> None:
        seen = self._seen.pop(uid, None)
        if seen and seen.target:
            _drop(self._dependents, seen.target, uid)
        for reference in seen.named if seen else ():
            _drop(self._readers, reference, uid)


def _drop(index: dict[Indexed, dict[str, Key]], entry: Indexed, uid: str) -> None:
    found = index[entry]
    del found[uid]
    if not found:
        del index[entry]


_DEFAULT_CLASS = Key(WORKSPACE_CLASS.kind, "", "")


def _key(body: Body) -> Key:
    metadata = body["metadata"]
    return Key(body["kind"], metadata.get("namespace", ""), metadata["name"])


def _mark(body: Body) -> str:
    """What stands for everything about an object that is not a write of the operator's own status.

    The thing itself is as large as the rest of what is kept of an object.
    """
    ignored = {"resourceVersion", "managedFields"}
    mark: dict[str, Any] = {k: v for k, v in body["metadata"].items() if k not in ignored}
    if body["kind"] == WORKSPACE_CLASS.kind:
        conditions = body.get("status", {}).get("conditions", [])
        mark["ready"] = [c["status"] for c in conditions if c["type"] == "Ready"]
    return digest(mark)


def _target(body: Body) -> Key | None:
    if body["kind"] == WORKSPACE.kind:
        return Key(WORKSPACE_CLASS.kind, "", class_name(body) or "")
    if body["kind"] == BINDING.kind:
        return Key(WORKSPACE.kind, *workspace_of(body))
    return None


def _owners(metadata: Body) -> list[Key]:
    """The object of ours that controls another one."""
    return [
        Key(owner["kind"], metadata["namespace"], owner["name"])
        for owner in metadata.get("ownerReferences", [])
        if owner["apiVersion"] == API_VERSION and owner.get("controller")
    ]


def _named_in(body: Body) -> frozenset[Reference]:
    """The Secrets and ConfigMaps that the spec of an object names.

    Told by the form: a part with a name that says itself which of the two it is, or is held by a
    field whose name speaks of a secret. The object's own namespace is the default.
    """
    return frozenset(_references(body.get("spec", {}), body["metadata"].get("namespace", "")))


def _references(value: Any, namespace: str) -> Iterator[Reference]:
    # dict, not Mapping, which takes ten times as long
    if isinstance(value, list):
        for item in value:
            yield from _references(item, namespace)
    if not isinstance(value, dict):
        return
    for field, part in value.items():
        if isinstance(part, dict) and "name" in part:
            kind = part.get("kind", SECRET.kind if "secret" in field.lower() else "")
            if kind in {SECRET.kind, CONFIG_MAP.kind}:
                yield kind, part.get("namespace", namespace), part["name"]
        yield from _references(part, namespace)

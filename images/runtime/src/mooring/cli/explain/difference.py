"""What one pod has that another has not, by names and never by values. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

OF_THE_SERVER: Final = frozenset(
    {"name", "generateName", "uid", "creationTimestamp", "resourceVersion", "managedFields"}
)
"""Metadata that is another in each answer."""

SERVICE_ACCOUNT_VOLUME: Final = "kube-api-access-"
"""The API server makes up the rest of this volume's name anew each time."""


@dataclass(frozen=True, slots=True)
class Addition:
    """Something that was added: where, as in `spec.containers[train].envFrom`, and what."""

    path: str
    added: str


def additions(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Addition, ...]:
    """What the pod `after` has and `before` has not, in the order of `after`."""
    metadata = {key: value for key, value in after["metadata"].items() if key not in OF_THE_SERVER}
    old = before["metadata"]
    return (
        *_of_maps(old, metadata, "metadata"),
        *_of_maps(before["spec"], after["spec"], "spec"),
    )


def _of_maps(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[Addition]:
    for key, value in after.items():
        place = f"{path}.{key}"
        old = before.get(key)
        if isinstance(value, list):
            yield from _of_lists(old or [], value, place)
        elif isinstance(value, dict):
            yield from _of_maps(old or {}, value, place)
        elif value != old and not str(value).startswith(SERVICE_ACCOUNT_VOLUME):
            yield Addition(path, f"{key}: {value}" if path.startswith("metadata") else key)


def _of_lists(before: list[Any], after: list[Any], path: str) -> Iterator[Addition]:
    there = {_name(entry): entry for entry in before}
    for entry in after:
        name = _name(entry)
        if name is None:
            if entry not in before:
                yield Addition(path, _described(entry))
        elif name in there:
            yield from _of_maps(there[name], entry, f"{path}[{name}]")
        elif not name.startswith(SERVICE_ACCOUNT_VOLUME):
            yield Addition(path, name)


def _described(entry: Any) -> str:
    """An entry without a name, by its fields; its values may be secrets."""
    return f"an entry with {', '.join(sorted(entry))}" if isinstance(entry, dict) else "an entry"


def _name(entry: Any) -> str | None:
    """What an entry of a list is called, by the keys that the API server merges lists by."""
    if not isinstance(entry, dict):
        return None
    for kind, word in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
        if kind in entry:
            prefix = f" with prefix {entry['prefix']}" if entry.get("prefix") else ""
            return f"{word} {entry[kind].get('name')}{prefix}"
    return entry.get("mountPath") or entry.get("name")

"""What is known of a pod and its binding, and how to look at it. Nothing here reads a secret."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from mooring import contract
from mooring.cli.state import Unread

Manifest = Mapping[str, Any]

_LOGIN: Final = re.compile(r"(\w+://)[^/\s@'\"]+@")
_QUERY: Final = re.compile(r"(\w+://[^\s?'\"]+)\?[^\s'\"]+")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the API server has; None or empty is what is not there, or may not be read (`unread`).

    `bindings` are all of the namespace, `events` those of the pod, and those of whatever could not
    make a pod; `default` is the namespace's default binding.
    """

    namespace: str
    now: datetime
    pod: Manifest | None = None
    binding: Manifest | None = None
    workspace: Manifest | None = None
    bindings: tuple[str, ...] = ()
    default: str = ""
    events: tuple[Manifest, ...] = ()
    unread: tuple[Unread, ...] = field(default=())

    @property
    def alive(self) -> bool:
        """Whether there is a pod that has not ended."""
        phase = ((self.pod or {}).get("status") or {}).get("phase")
        return self.pod is not None and phase not in {"Succeeded", "Failed"}


def asked(pod: Manifest) -> str:
    """The binding that the label of `pod` names; empty for none."""
    return str((pod["metadata"].get("labels") or {}).get(contract.BINDING_LABEL, ""))


def injected(pod: Manifest) -> str:
    """The binding that was merged into `pod`; empty for none."""
    return str((pod["metadata"].get("annotations") or {}).get(contract.INJECTED_ANNOTATION, ""))


def is_skipped(pod: Manifest) -> bool:
    """Whether `pod` asks to be left alone."""
    return (pod["metadata"].get("labels") or {}).get(contract.SKIP_LABEL) == "true"


def containers(pod: Manifest) -> Iterator[Manifest]:
    """The containers of `pod` that a binding is for: the guard brings its own, sidecars opt out."""
    annotations = pod["metadata"].get("annotations") or {}
    alone = {contract.GUARD_CONTAINER, *contract.skipped_containers(annotations)}
    spec = pod["spec"]
    for container in (*(spec.get("initContainers") or []), *spec["containers"]):
        if container["name"] not in alone:
            yield container


def names_set(container: Manifest) -> frozenset[str]:
    """The names in the `env` of `container`, not their values."""
    return frozenset(entry["name"] for entry in container.get("env") or [])


def own_uri(container: Manifest) -> str | None:
    """What `container` itself sets as tracking URI, without a login; None where it sets none."""
    for entry in container.get("env") or []:
        if entry["name"] == contract.TRACKING_URI:
            return "(from elsewhere)" if "valueFrom" in entry else blanked(entry.get("value", ""))
    return None


def sources(container: Manifest, kind: str) -> frozenset[str]:
    """Names of the ConfigMaps or Secrets (`configMapRef`, `secretRef`) that it takes whole."""
    return frozenset(
        source[kind]["name"]
        for source in container.get("envFrom") or []
        if kind in source and not source.get("prefix")
    )


def run_tags(container: Manifest) -> Mapping[str, Any] | None:
    """The tags that runs of `container` get by its environment.

    None where the value is no JSON object, which MLflow passes over without a word; {} where there
    is none. One that comes by a reference is never Mooring's, and counts as none.
    """
    for entry in container.get("env") or []:
        if entry["name"] == contract.RUN_CONTEXT:
            try:
                found = json.loads(entry.get("value") or "{}")
            except ValueError:
                return None
            return found if isinstance(found, dict) else None
    return {}


def blanked(text: str) -> str:
    """`text` with what may be a login or a signature in a URL replaced by ***."""
    return _QUERY.sub(r"\1?***", _LOGIN.sub(r"\1***@", text))

"""What the operator has read or written, kept until a watch says that it changed.

A workspace is looked at several times until it is Ready, and each look compares a dozen objects.
The watches tell of every change of these, so that an object needs to be read once: see
docs/decisions/0006-reads-are-kept-until-a-watch-tells.md.

What is kept may be as old as the watch is late. That is no new kind of error: a change that comes
after a look is answered by the next look, which its event asks for.
"""

import json
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from mooring_operator.kube import KINDS, Kind, Kube, KubeError, Manifest

FAST: Final = 1
"""zlib's level."""

Answer = TypeVar("Answer", Manifest, Manifest | None)
Reference = tuple[str, str, str]
"""Kind, namespace and name."""


class Source(Kube, Protocol):
    """What the cache stands in front of."""

    def walk(self, kind: Kind, labels: str) -> Iterator[Manifest]:
        """The live objects of all namespaces, page by page; none of a kind that is not served."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """An object: its resource version, and its JSON, compressed: thousands are kept."""

    version: int
    content: bytes


class Cache:
    """`Kube` in front of another one; every method may be called from any thread.

    `is_watched` says of an object whether `told` will be called for each change of it. No other
    object is kept, and none that does not exist: somebody else may make it, unwatched. `listed` are
    the kinds, each with a label selector, that `refresh` reads.
    """

    def __init__(
        self,
        kube: Source,
        is_watched: Callable[[Kind, Manifest], bool],
        listed: Sequence[tuple[Kind, str]],
    ) -> None:
        self._kube = kube
        self._is_watched = is_watched
        self._listed = listed
        self._lock = threading.Lock()
        self._kept: dict[Reference, _Kept] = {}
        self._under_way: dict[Reference, object] = {}
        self._changed: set[Reference] | None = None
        """While `refresh` lists: what watches told of meanwhile, or somebody here deleted."""

    def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """See `Kube.get`."""
        reference = (kind.kind, namespace, name)
        with self._lock:
            kept = self._kept.get(reference)
        if kept is not None:
            found: Manifest = json.loads(zlib.decompress(kept.content))
            return found
        return self._asked(kind, namespace, name, lambda: self._kube.get(kind, namespace, name))

    def search(self, kind: Kind, namespace: str = "", labels: str = "") -> list[Manifest]:
        """See `Kube.search`; always asked anew."""
        return self._kube.search(kind, namespace, labels)

    def serves(self, kind: Kind) -> bool:
        """See `Kube.serves`."""
        return self._kube.serves(kind)

    def cluster(self) -> str:
        """See `Kube.cluster`."""
        return self._kube.cluster()

    def apply(self, manifest: Manifest, *, status: bool = False) -> Manifest:
        """See `Kube.apply`."""
        return self._written(manifest, lambda: self._kube.apply(manifest, status=status))

    def create(self, manifest: Manifest) -> Manifest:
        """See `Kube.create`; not kept."""
        return self._kube.create(manifest)

    def merge(self, live: Manifest, fields: Mapping[str, Any]) -> Manifest:
        """See `Kube.merge`."""
        return self._written(live, lambda: self._kube.merge(live, fields))

    def delete(self, kind: Kind, namespace: str, name: str) -> None:
        """See `Kube.delete`."""
        self._drop((kind.kind, namespace, name))
        self._kube.delete(kind, namespace, name)

    def told(self, kind: Kind, metadata: Mapping[str, Any]) -> bool:
        """Take an event of a watch; whether it says more than what was read or written here."""
        reference = (kind.kind, metadata.get("namespace", ""), metadata["name"])
        with self._lock:
            # what is being read or written now may be older than the event
            self._under_way.pop(reference, None)
            if self._changed is not None:
                self._changed.add(reference)
            kept = self._kept.get(reference)
            if kept is None:
                return True
            if int(metadata["resourceVersion"]) <= kept.version:
                return False
            del self._kept[reference]
            return True

    def refresh(self) -> None:
        """Read everything anew, with a list of each kind: events may have been missed.

        Raises KubeError; what was not listed by then is read when it is asked for.
        """
        with self._lock:
            self._kept.clear()
            self._under_way.clear()
            self._changed = changed = set[Reference]()
        try:
            for kind, labels in self._listed:
                for live in self._kube.walk(kind, labels):
                    self._keep_listed(kind, live, changed)
        finally:
            with self._lock:
                self._changed = None

    def _keep_listed(self, kind: Kind, live: Manifest, changed: set[Reference]) -> None:
        metadata = live["metadata"]
        reference = (kind.kind, metadata.get("namespace", ""), metadata["name"])
        packed = _packed(live)
        with self._lock:
            # each of these may know of something newer than the list
            if reference not in changed and reference not in self._under_way:
                self._kept.setdefault(reference, packed)

    def _written(self, manifest: Manifest, write: Callable[[], Manifest]) -> Manifest:
        kind = KINDS[(manifest["apiVersion"], manifest["kind"])]
        metadata = manifest["metadata"]
        return self._asked(kind, metadata.get("namespace", ""), metadata["name"], write)

    def _asked(self, kind: Kind, namespace: str, name: str, ask: Callable[[], Answer]) -> Answer:
        """What `ask` answers, kept unless a watch has told of the object meanwhile."""
        reference, mine = (kind.kind, namespace, name), object()
        with self._lock:
            self._under_way[reference] = mine
        try:
            live = ask()
        except KubeError:
            # of a write: refused for what it was decided from, perhaps
            self._drop(reference)
            raise
        with self._lock:
            undisturbed = self._under_way.get(reference) is mine
            if undisturbed:
                del self._under_way[reference]
            if undisturbed and live is not None and self._is_watched(kind, live):
                self._kept[reference] = _packed(live)
            else:
                self._kept.pop(reference, None)
        return live

    def _drop(self, reference: Reference) -> None:
        with self._lock:
            if self._changed is not None:
                self._changed.add(reference)
            self._kept.pop(reference, None)
            self._under_way.pop(reference, None)


def _packed(live: Manifest) -> _Kept:
    # nothing here reads managedFields, which are half of an object
    metadata = {key: value for key, value in live["metadata"].items() if key != "managedFields"}
    content = json.dumps(live | {"metadata": metadata}).encode()
    return _Kept(int(metadata["resourceVersion"]), zlib.compress(content, FAST))

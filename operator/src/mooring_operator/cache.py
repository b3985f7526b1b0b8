"""What the operator has read or written, kept until a watch says that it changed.

A workspace is looked at several times until it is Ready, and each look compares a dozen objects.
The watches tell of every change of these, so that an object needs to be read once: see
docs/decisions/0006-reads-are-kept-until-a-watch-tells.md.

What is kept may be as old as the watch is late. That is no new kind of error: a change that comes
after a look is answered by the next look, which its event asks for.

A refresh lists all that the watches tell of, so that what of these there is not is known too.
"""

import json
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Any, Final, TypeVar

from mooring_operator.kube import KINDS, Kind, KubeError, Manifest, Server

FAST: Final = 1
"""zlib's level."""

Answer = TypeVar("Answer", Manifest, Manifest | None)
Reference = tuple[str, str, str]
"""Kind, namespace and name."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """An object: its resource version, and its JSON, compressed: thousands are kept.

    `like` is the JSON of another object of its kind, which says most of it already: a quarter of
    the memory, and half of the time.
    """

    version: int
    content: bytes
    like: bytes


@dataclass(slots=True)
class _UnderWay:
    """A question that is not answered yet, and the newest version that watches told of meanwhile.

    Only the answer to a write will say whether that was the write itself: then `news` waits.
    """

    writes: bool
    told: int = 0
    news: list[Callable[[], None]] = field(default_factory=list)


class Cache:
    """`Kube` in front of another one; every method may be called from any thread.

    `is_watched` says of an object whether `told` will be called for each change of it. No other
    object is kept. `listed` are the kinds, each with a label selector, that `refresh` reads; `told`
    must be called for each change of theirs.
    """

    def __init__(
        self,
        kube: Server,
        is_watched: Callable[[Kind, Manifest], bool],
        listed: Sequence[tuple[Kind, str]],
    ) -> None:
        self._kube = kube
        self._is_watched = is_watched
        self._listed = listed
        self._selectors = {kind: _labels(selector) for kind, selector in listed}
        self._lock = threading.Lock()
        self._there: dict[tuple[str, str], dict[str, _Kept | None]] = {}
        """By kind and namespace, by name; None has to be read anew, and may be gone."""
        self._complete = False
        """Whether all objects of the listed kinds are there."""
        self._under_way: dict[Reference, _UnderWay] = {}
        self._changed: dict[Reference, float] | None = None
        """While `refresh` lists: the oldest version that may be kept of what changed meanwhile."""
        self._like: dict[str, bytes] = {}
        """By kind: the JSON of the first object that was kept since the last refresh."""

    def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """See `Server.get`."""
        with self._lock:
            kept = self._there.get((kind.kind, namespace), {}).get(name)
        if kept is not None:
            return _unpacked(kept)
        ask = partial(self._kube.get, kind, namespace, name)
        return self._asked(kind, namespace, name, ask, writes=False)

    def held(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """See `Kube.held`."""
        with self._lock:
            absent = self._complete and name not in self._there.get((kind.kind, namespace), {})
        return None if absent and kind in self._selectors else self.get(kind, namespace, name)

    def search(self, kind: Kind, namespace: str = "", labels: str = "") -> list[Manifest]:
        """See `Server.search`; always asked anew."""
        return self._kube.search(kind, namespace, labels)

    def known(self, kind: Kind, namespace: str = "", labels: str = "") -> list[Manifest]:
        """See `Kube.known`."""
        with self._lock:
            complete = self._complete and kind in self._selectors
            found = self._found(kind, namespace) if complete else []
        if not complete:
            return self._kube.search(kind, namespace, labels)
        lives = [self.get(kind, *each) for each in found]
        wanted = _labels(labels)
        return [live for live in lives if live is not None and _carries(live["metadata"], wanted)]

    def walk(
        self, kind: Kind, labels: str, namespace: str = "", fields: str = ""
    ) -> Iterator[Manifest]:
        """See `Server.walk`; always asked anew."""
        return self._kube.walk(kind, labels, namespace, fields)

    def names(self, kind: Kind, namespace: str, fields: str) -> Iterator[str]:
        """See `Server.names`; always asked anew."""
        return self._kube.names(kind, namespace, fields)

    def serves(self, kind: Kind) -> bool:
        """See `Server.serves`."""
        return self._kube.serves(kind)

    def cluster(self) -> str:
        """See `Server.cluster`."""
        return self._kube.cluster()

    def apply(self, manifest: Manifest, *, status: bool = False) -> Manifest:
        """See `Server.apply`."""
        return self._written(manifest, lambda: self._kube.apply(manifest, status=status))

    def create(self, manifest: Manifest) -> Manifest:
        """See `Server.create`; not kept."""
        return self._kube.create(manifest)

    def merge(self, live: Manifest, fields: Mapping[str, Any]) -> Manifest:
        """See `Server.merge`."""
        return self._written(live, lambda: self._kube.merge(live, fields))

    def anew(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """See `Kube.anew`."""
        self._drop((kind.kind, namespace, name))
        return self.get(kind, namespace, name)

    def delete(self, kind: Kind, namespace: str, name: str, version: str = "") -> None:
        """See `Server.delete`."""
        self._drop((kind.kind, namespace, name))
        self._kube.delete(kind, namespace, name, version)

    def told(self, kind: Kind, metadata: Mapping[str, Any], news: Callable[[], None]) -> None:
        """Take an event of a watch; `news` is called if it says more than was read or written here.

        Of an object that is being written it is called once that has ended, if it is.
        """
        namespace, name = metadata.get("namespace", ""), metadata["name"]
        reference, version = (kind.kind, namespace, name), int(metadata["resourceVersion"])
        with self._lock:
            if self._changed is not None:
                self._changed[reference] = max(version, self._changed.get(reference, 0))
            kept = self._there.get((kind.kind, namespace), {}).get(name)
            if kept is not None and version <= kept.version:
                return
            wanted = self._selectors.get(kind)
            if kept is not None or (wanted is not None and _carries(metadata, wanted)):
                self._there.setdefault(reference[:2], {})[name] = None
            under_way = self._under_way.get(reference)
            if under_way is not None:
                under_way.told = max(under_way.told, version)
                if under_way.writes:
                    under_way.news.append(news)
                    return
        news()

    def refresh(self) -> None:
        """Read everything anew, with a list of each kind: events may have been missed.

        Raises KubeError; what was not listed by then is read when it is asked for.
        """
        with self._lock:
            self._there.clear()
            self._like.clear()
            self._complete = False
            self._under_way.clear()
            self._changed = changed = dict[Reference, float]()
        try:
            for kind, labels in self._listed:
                for live in self._kube.walk(kind, labels):
                    self._keep_listed(kind, live, changed)
            with self._lock:
                self._complete = True
        finally:
            with self._lock:
                self._changed = None

    def _found(self, kind: Kind, namespace: str) -> list[tuple[str, str]]:
        """Namespace and name of the objects of a namespace, or of all, that may be there."""
        if namespace:
            return [(namespace, name) for name in self._there.get((kind.kind, namespace), ())]
        places = [place for place in self._there.items() if place[0][0] == kind.kind]
        return [(where, name) for (_, where), names in places for name in names]

    def _keep_listed(self, kind: Kind, live: Manifest, changed: Mapping[Reference, float]) -> None:
        metadata = live["metadata"]
        reference = (kind.kind, metadata.get("namespace", ""), metadata["name"])
        packed = self._packed(live)
        with self._lock:
            # each of these may know of something newer than the list
            newer = changed.get(reference, 0) > packed.version or reference in self._under_way
            place = self._there.setdefault(reference[:2], {})
            if place.get(metadata["name"]) is None:
                place[metadata["name"]] = None if newer else packed

    def _written(self, manifest: Manifest, write: Callable[[], Manifest]) -> Manifest:
        kind = KINDS[(manifest["apiVersion"], manifest["kind"])]
        metadata = manifest["metadata"]
        namespace = metadata.get("namespace", "")
        return self._asked(kind, namespace, metadata["name"], write, writes=True)

    def _asked(
        self, kind: Kind, namespace: str, name: str, ask: Callable[[], Answer], *, writes: bool
    ) -> Answer:
        """What `ask` answers, kept unless a watch has told of something newer meanwhile."""
        reference, mine = (kind.kind, namespace, name), _UnderWay(writes)
        with self._lock:
            self._under_way[reference] = mine
        try:
            live = ask()
        except KubeError:
            # of a write: refused for what it was decided from, perhaps
            self._drop(reference)
            for news in mine.news:
                news()
            raise
        watched = live is not None and self._is_watched(kind, live)
        packed = self._packed(live) if live is not None and watched else None
        version = int(live["metadata"]["resourceVersion"]) if live is not None else 0
        with self._lock:
            late = self._answered(reference, packed, version, mine)
        for news in late:
            news()
        return live

    def _answered(
        self, reference: Reference, packed: _Kept | None, version: int, mine: _UnderWay
    ) -> list[Callable[[], None]]:
        """Take the answer to a question; what is news all the same.

        `version` is 0 of what is not there, `packed` is None also of what nobody watches.
        """
        name, place = reference[2], self._there.setdefault(reference[:2], {})
        undisturbed = self._under_way.get(reference) is mine
        if undisturbed:
            del self._under_way[reference]
        if undisturbed and version >= mine.told and packed is not None:
            place[name] = packed
        elif packed is not None:
            place[name] = None
        elif undisturbed and version >= mine.told:
            place.pop(name, None)
        return mine.news if version < mine.told else []

    def _packed(self, live: Manifest) -> _Kept:
        # nothing here reads managedFields, which are half of an object
        metadata = {key: value for key, value in live["metadata"].items() if key != "managedFields"}
        content = json.dumps(live | {"metadata": metadata}).encode()
        with self._lock:
            like = self._like.setdefault(live["kind"], content)
        press = zlib.compressobj(FAST, zdict=like)
        packed = press.compress(content) + press.flush()
        return _Kept(int(metadata["resourceVersion"]), packed, like)

    def _drop(self, reference: Reference) -> None:
        with self._lock:
            if self._changed is not None:
                self._changed[reference] = inf
            place = self._there.get(reference[:2], {})
            if reference[2] in place:
                place[reference[2]] = None
            self._under_way.pop(reference, None)


def _unpacked(kept: _Kept) -> Manifest:
    live: Manifest = json.loads(zlib.decompressobj(zdict=kept.like).decompress(kept.content))
    return live


def _labels(selector: str) -> dict[str, str]:
    """The labels that a selector of the form `key=value,...` asks for."""
    return dict(part.split("=", 1) for part in selector.split(",") if part)


def _carries(metadata: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    return all(metadata.get("labels", {}).get(key) == value for key, value in wanted.items())

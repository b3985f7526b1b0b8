"""Reads are kept until a watch tells: never longer, and never of what no watch tells of."""

import secrets
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest

from mooring_operator.cache import Cache
from mooring_operator.kube import SECRET, Kind, KubeError, Manifest

Live = dict[str, Any]


def secret(version: int, value: str = "a", *, managed: bool = True) -> Live:
    metadata = {"namespace": "n", "name": "s", "resourceVersion": str(version)}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata | {"labels": {"managed": "yes"} if managed else {}},
        "data": {"key": value},
    }


class FakeKube:
    """An API server with one Secret; `meanwhile` is called while it answers."""

    def __init__(self, live: Live | None) -> None:
        self.live = live
        self.asked = 0
        self.refuses = False
        self.meanwhile: Callable[[], None] = lambda: None

    def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:  # noqa: ARG002
        """Return the Secret as it was when the question came."""
        self.asked += 1
        found = self.live
        self.meanwhile()
        return found

    def names(self, kind: Kind, namespace: str, fields: str) -> Iterator[str]:  # noqa: ARG002
        """Name nothing."""
        return iter(())

    def serves(self, kind: Kind) -> bool:  # noqa: ARG002
        """Say yes."""
        return True

    def cluster(self) -> str:
        """Name no cluster."""
        return ""

    def search(self, kind: Kind, namespace: str = "", labels: str = "") -> list[Manifest]:  # noqa: ARG002
        """Return the Secret."""
        return [self.live] if self.live else []

    def walk(
        self,
        kind: Kind,
        labels: str,  # noqa: ARG002
        namespace: str = "",  # noqa: ARG002
        fields: str = "",  # noqa: ARG002
    ) -> Iterator[Manifest]:
        """Give the Secret as it was when the question came."""
        found = self.search(kind)
        self.meanwhile()
        yield from found

    def apply(self, manifest: Manifest, *, status: bool = False) -> Manifest:  # noqa: ARG002
        """Take the Secret under a newer version."""
        self.meanwhile()
        if self.refuses:
            raise KubeError(409, "somebody else wrote")
        version = int(self.live["metadata"]["resourceVersion"]) + 1 if self.live else 1
        self.live = manifest | {
            "metadata": {**manifest["metadata"], "resourceVersion": str(version)}
        }
        return self.live

    def create(self, manifest: Manifest) -> Manifest:
        """Make an object."""
        return self.apply(manifest)

    def merge(self, live: Manifest, fields: Mapping[str, Any]) -> Manifest:
        """Take the fields."""
        return self.apply(live | dict(fields))

    def delete(self, kind: Kind, namespace: str, name: str, version: str = "") -> None:  # noqa: ARG002
        """Have no Secret."""
        self.live = None


def cached(live: Live | None) -> tuple[FakeKube, Cache]:
    kube = FakeKube(live)
    watched = [(SECRET, "managed=yes")]
    return kube, Cache(
        kube, lambda _, each: "managed" in each["metadata"].get("labels", {}), watched
    )


def read(cache: Cache) -> Live | None:
    return cache.get(SECRET, "n", "s")


def event(version: int) -> dict[str, Any]:
    metadata: dict[str, Any] = secret(version)["metadata"]
    return metadata


def is_news(cache: Cache, metadata: Live) -> bool:
    told: list[Live] = []
    cache.told(SECRET, metadata, lambda: told.append(metadata))
    return bool(told)


def test_an_object_is_read_once_and_no_reader_can_change_it() -> None:
    kube, cache = cached(secret(1))
    first = read(cache)
    assert first == secret(1)
    first["data"]["key"] = "changed by a reader"
    assert read(cache) == secret(1)
    assert kube.asked == 1


def test_objects_that_are_alike_take_little_memory() -> None:
    everyones = secrets.token_hex(1000)
    kube, cache = cached(None)

    def live(number: int) -> Live:
        found = secret(1, everyones)
        return found | {"metadata": {**found["metadata"], "name": f"s-{number}"}}

    kube.search = lambda *_: [live(number) for number in range(100)]  # type: ignore[method-assign]
    tracemalloc.start()
    cache.refresh()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 100 * 500, "a thousand bytes that nobody can compress are in all of them"
    assert cache.known(SECRET) == [live(number) for number in range(100)]
    assert kube.asked == 0


def test_a_newer_version_is_news_and_read_anew() -> None:
    kube, cache = cached(secret(1))
    read(cache)
    kube.live = secret(2, "b")
    assert is_news(cache, event(2))
    assert read(cache) == secret(2, "b")


@pytest.mark.parametrize("version", [1, 2])
def test_what_was_written_here_is_no_news(version: int) -> None:
    kube, cache = cached(secret(1))
    cache.apply(secret(1, "b"))
    assert not is_news(cache, event(version))
    assert read(cache) == secret(2, "b")
    assert kube.asked == 0


@pytest.mark.parametrize(
    ("told", "refuses", "news", "asked"),
    [(2, False, 0, 0), (3, False, 1, 1), (2, True, 1, 1)],
    ids=["of the write", "of a later one", "of a refused one"],
)
def test_an_event_that_overtakes_the_answer_to_a_write_waits_for_it(
    told: int, refuses: bool, news: int, asked: int
) -> None:
    kube, cache = cached(secret(1))
    heard: list[int] = []
    kube.refuses = refuses

    def overtake() -> None:
        kube.meanwhile = lambda: None
        cache.told(SECRET, event(told), lambda: heard.append(told))
        assert not heard

    kube.meanwhile = overtake
    with suppress(KubeError):
        cache.apply(secret(1, "b"))
    assert len(heard) == news
    read(cache)
    assert kube.asked == asked


def test_an_answer_that_an_event_has_overtaken_is_not_kept() -> None:
    kube, cache = cached(secret(1))

    def change() -> None:
        kube.live = secret(2, "b")
        is_news(cache, event(2))

    kube.meanwhile = change
    assert read(cache) == secret(1)
    kube.meanwhile = lambda: None
    assert read(cache) == secret(2, "b")


def test_what_no_watch_tells_of_is_read_each_time() -> None:
    kube, cache = cached(secret(1, managed=False))
    assert read(cache) == read(cache)
    assert kube.asked == 2


def test_what_is_not_there_is_looked_for_each_time() -> None:
    kube, cache = cached(None)
    assert read(cache) is None
    kube.live = secret(1)
    assert read(cache) == secret(1)


def test_what_was_not_listed_is_not_held() -> None:
    kube, cache = cached(None)
    assert cache.held(SECRET, "n", "s") is None
    assert kube.asked == 1
    cache.refresh()
    assert cache.held(SECRET, "n", "s") is None
    assert kube.asked == 1
    kube.live = secret(1)
    assert is_news(cache, event(1))
    assert cache.held(SECRET, "n", "s") == secret(1)


def test_an_absence_that_a_write_has_overtaken_is_none() -> None:
    kube, cache = cached(None)
    cache.refresh()

    def write() -> None:
        kube.meanwhile = lambda: None
        cache.apply(secret(0))

    kube.meanwhile = write
    assert read(cache) is None
    assert cache.held(SECRET, "n", "s") == secret(1)


def test_what_somebody_else_made_is_read_but_not_held() -> None:
    kube, cache = cached(None)
    cache.refresh()
    kube.live = secret(1, managed=False)
    is_news(cache, kube.live["metadata"])
    assert cache.held(SECRET, "n", "s") is None
    assert read(cache) == kube.live


def known(cache: Cache, namespace: str = "", labels: str = "") -> list[Live]:
    return cache.known(SECRET, namespace, labels)


@pytest.mark.parametrize("namespace", ["", "n"])
def test_what_watches_tell_of_is_known_without_a_question(namespace: str) -> None:
    kube, cache = cached(None)
    cache.refresh()
    kube.live = secret(1)
    is_news(cache, event(1))
    assert known(cache, namespace) == known(cache, namespace) == [secret(1)]
    assert kube.asked == 1
    assert known(cache, "other") == known(cache, namespace, "managed=no") == []
    cache.delete(SECRET, "n", "s")
    assert known(cache, namespace) == []


def test_what_was_not_listed_yet_is_searched_for() -> None:
    kube, cache = cached(secret(1))
    assert known(cache) == [secret(1)]
    kube.live = None
    assert known(cache) == []


def test_an_object_that_was_told_of_in_the_version_of_the_list_is_kept() -> None:
    kube, cache = cached(secret(1))
    kube.meanwhile = lambda: cache.told(SECRET, event(1), lambda: None)
    cache.refresh()
    kube.meanwhile = lambda: None
    assert read(cache) == secret(1)
    assert kube.asked == 0


def test_a_refused_write_has_the_object_read_anew() -> None:
    kube, cache = cached(secret(1))
    read(cache)
    kube.live, kube.refuses = secret(2, "b"), True
    with pytest.raises(KubeError):
        cache.apply(secret(1, "c"))
    assert read(cache) == secret(2, "b")


def test_what_no_watch_has_told_is_read_anew() -> None:
    kube, cache = cached(secret(1))
    read(cache)
    kube.live = secret(2)
    assert read(cache) == secret(1), "as far as anybody has told"
    assert cache.anew(SECRET, "n", "s") == secret(2)
    assert read(cache) == secret(2)


def test_a_deleted_object_is_gone() -> None:
    _, cache = cached(secret(1))
    read(cache)
    cache.delete(SECRET, "n", "s")
    assert read(cache) is None


def test_everything_is_listed_anew_after_a_gap() -> None:
    kube, cache = cached(secret(1))
    read(cache)
    kube.live = secret(2, "b")
    cache.refresh()
    assert read(cache) == secret(2, "b")
    assert kube.asked == 1


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda cache: is_news(cache, event(2)),
        lambda cache: cache.delete(SECRET, "n", "s"),
        lambda cache: cache.apply(secret(1, "b")),
    ],
    ids=["told", "deleted", "written"],
)
def test_a_list_that_is_older_than_what_is_known_changes_nothing(
    meanwhile: Callable[[Cache], object],
) -> None:
    kube, cache = cached(secret(1))

    def change() -> None:
        kube.meanwhile = lambda: None
        kube.live = secret(1, "b")
        meanwhile(cache)

    kube.meanwhile = change
    cache.refresh()
    assert read(cache) == kube.live

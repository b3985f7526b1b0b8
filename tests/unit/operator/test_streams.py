"""Metadata streams: no change goes untold, and a gap is told as a gap."""

from collections.abc import Iterator

import pytest

from mooring_operator.kube import SECRET, Kind, KubeError, Manifest
from mooring_operator.streams import Stream

Event = tuple[str, Manifest]


class FakeServer:
    """Watches that were written down beforehand; an API server's are tested in integration."""

    def __init__(self, *watches: list[Event] | KubeError) -> None:
        self._watches = list(watches)
        self.versions = 0
        self.asked: list[str] = []

    def version(self, kind: Kind, labels: str, fields: str = "") -> str:  # noqa: ARG002
        """Return a place that nobody has been at."""
        self.versions += 1
        return f"list {self.versions}"

    def watch(
        self,
        kind: Kind,  # noqa: ARG002 (the protocol's)
        labels: str,  # noqa: ARG002
        since: str,
        fields: str = "",  # noqa: ARG002
    ) -> Iterator[Event]:
        """Tell the next of the watches."""
        self.asked.append(since)
        told = self._watches.pop(0)
        if isinstance(told, KubeError):
            raise told
        yield from told


def event(name: str, version: str, kind: str = "MODIFIED") -> Event:
    return kind, {"name": name, "resourceVersion": version}


def test_it_goes_on_where_it_stopped() -> None:
    first = [event("a", "1"), event("", "5", "BOOKMARK")]
    server = FakeServer(first, [event("a", "6", "DELETED")])
    told: list[str] = []
    gaps: list[int] = []
    stream = Stream(server, SECRET, "x=y", lambda m: told.append(m["name"]), lambda: gaps.append(1))
    stream.follow()
    stream.follow()
    assert told == ["a", "a"]
    assert server.asked == ["list 1", "5"]


def test_a_place_that_is_lost_is_told() -> None:
    server = FakeServer([event("a", "1")], KubeError(410, "too old"), [event("b", "9")])
    gaps: list[int] = []
    stream = Stream(server, SECRET, "x=y", lambda _: None, lambda: gaps.append(1))
    stream.follow()
    told = len(gaps)
    with pytest.raises(KubeError, match="too old"):
        stream.follow()
    stream.follow()
    assert len(gaps) == told + 1
    assert server.asked == ["list 1", "1", "list 2"]


def test_of_one_type_the_others_move_its_place_alone() -> None:
    server = FakeServer([event("a", "1", "ADDED"), event("a", "2", "DELETED")], [])
    told: list[str] = []
    stream = Stream(
        server,
        SECRET,
        "x",
        lambda m: told.append(m["resourceVersion"]),
        lambda: None,
        only="DELETED",
    )
    stream.follow()
    stream.follow()
    assert told == ["2"]
    assert server.asked == ["list 1", "2"]

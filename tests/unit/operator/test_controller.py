"""A resync looks at everything: at once where events may be missed, else a little at a time."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from mooring_operator.kube import WORKSPACE, Kind, Kube
from mooring_operator.queue import Key, WorkQueue
from mooring_operator.reconcile.controller import Controller
from mooring_operator.reconcile.world import World
from tests.cluster.process import wait_until

TEAMS = ("team-a", "team-b", "team-c")


class FakeKube:
    """An API server with a workspace for each team, and nothing else."""

    def known(self, kind: Kind) -> list[dict[str, Any]]:
        """All objects of a kind."""
        made = [{"metadata": {"name": "models", "namespace": team}} for team in TEAMS]
        return made if kind is WORKSPACE else []


class Resyncs:
    """A controller without workers that resyncs all the time, its queue, and how often."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self.queue, self.count = WorkQueue(), 0
        world = World(cast("Kube", FakeKube()), self.queue, threads, lambda: "2026-01-01T00:00:00Z")
        self.controller = Controller(world, workers=0, resync_s=0.01, anew=self._anew)

    def _anew(self) -> None:
        self.count += 1

    def taken(self) -> set[Key]:
        """What waits for a worker now, and does not any more."""
        taken = set()
        while self.queue.load().waiting:
            key = self.queue.take()
            assert key is not None
            self.queue.done(key)
            taken.add(key)
        return taken


@pytest.fixture
def resyncs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resyncs]:
    monkeypatch.setattr(random, "random", lambda: 1.0)
    with ThreadPoolExecutor(1) as threads:
        made = Resyncs(threads)
        made.controller.start()
        yield made
        assert made.controller.stop(patience_s=30)


def test_a_regular_resync_does_not_ask_for_all_at_once(resyncs: Resyncs) -> None:
    everything = {Key(WORKSPACE.kind, team, "models") for team in TEAMS}
    wait_until(lambda: resyncs.queue.load().waiting == len(TEAMS), "the first look at everything")
    assert resyncs.taken() == everything

    seen = resyncs.count
    wait_until(lambda: resyncs.count > seen + 2, "two regular resyncs")
    assert resyncs.taken() == set(), "they come within a minute, at different times"

    resyncs.controller.resync()
    wait_until(lambda: resyncs.queue.load().waiting == len(TEAMS), "what events were missed of")
    assert resyncs.taken() == everything

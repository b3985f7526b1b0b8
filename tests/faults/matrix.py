"""Plays faults by all of their ways and without Mooring, and looks at the pods from outside."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from tests.cluster.process import ClusterError
from tests.cluster.report import say
from tests.demo.cluster import apply, kubectl
from tests.demo.store import tracking
from tests.e2e.workspaces import operator_stopped
from tests.faults import outside
from tests.faults.fault import BY_AIRFLOW, Fault, Way
from tests.faults.findings import Findings
from tests.faults.outside import BREAKING
from tests.faults.playing import Stage
from tests.faults.pods import Case, mark_of
from tests.faults.scenes import SCENES
from tests.faults.seen import End, kept
from tests.faults.verdict import Row, Seen, row, seen
from tests.faults.world import KEYLESS, MINTED, binding, publish, wait_answered

TOGETHER: Final = 12
"""How many faults of pods are played at the same time; what one of them breaks is lost for all."""

BREAKS: Final = (ClusterError, httpx.HTTPError, BotoCoreError, ClientError, OSError, ValueError)
"""What the cluster and its machine do to a row, and what the next row is not to suffer from."""


class Matrix:
    """One run of the matrix on a stage.

    `unplayed` says of every fault that could not be brought about, or looked at, why.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._findings = Findings()
        self._count = 0
        self.unplayed: dict[str, str] = {}

    def rows(self, faults: Sequence[Fault]) -> Iterator[list[Row]]:
        """Rows as they come; those that only the operator's own look can tell of come twice."""
        for rows in in_turn(groups(faults), self._played, self._recover, self.unplayed):
            yield [*rows, *self._findings.found()]
        self._findings.wait()
        yield self._findings.found()

    def _recover(self) -> None:
        outside.mend()
        self._stage.clear()

    def _played(self, faults: Sequence[Fault]) -> list[Row]:
        first = faults[0]
        if first.scene:
            return self._scene(first)
        return self._outside(first) if first.outside else self._inside(faults)

    def _scene(self, fault: Fault) -> list[Row]:
        """A fault that has a scene of its own."""
        assert self._stage.jobs is not None
        seen_by = SCENES[fault.scene](self._stage.jobs, self._stage.world)
        cases = [self._case(fault, way) for way in fault.expected]
        for _ in cases:
            self._stage.told()
        return [row(case, seen_by[case.way], seen_by[None]) for case in cases]

    def _inside(self, faults: Sequence[Fault]) -> list[Row]:
        """All that is wrong with a pod and not with the platform, at the same time."""
        peers = [self._case(fault, None) for fault in faults]
        cases = [self._case(fault, way) for fault in faults for way in fault.expected]
        published = [case for case in cases if case.way is Way.BINDING]
        by_task = [case for case in cases if case.way in BY_AIRFLOW]
        others = [case for case in cases if case not in published and case not in by_task]
        found = self._unmended(published, peers)
        tasks = self._stage.start_tasks(by_task)
        ends = self._stage.play(others)
        found |= self._seen([*others, *by_task], ends | self._stage.finish_tasks(tasks))
        return self._judged(cases, peers, others, found)

    def _outside(self, fault: Fault) -> list[Row]:
        """Pods that train while the platform fails, and one that is started then."""
        stage = self._stage
        peer = self._case(fault, None)
        cases = [self._case(fault, way) for way in fault.expected]
        before = [case for case in cases if case.way is Way.BEFORE]
        by_task = [case for case in cases if case.way in BY_AIRFLOW]
        pods = [case for case in cases if case not in before and case not in by_task]
        tasks = stage.start_tasks(by_task)
        for case in (peer, *pods):
            stage.start(case)
        begun = [peer, *pods, *by_task]
        stage.wait_for_runs(begun)
        with BREAKING[fault.outside]():
            for case in begun:
                stage.let_go(case)
            ends = stage.play(before) | stage.watch([peer, *pods])
            ends |= stage.finish_tasks(tasks)
        found = self._seen([peer, *cases], ends)
        self._forget([peer])
        return self._judged(cases, [peer], pods, found)

    def _judged(
        self,
        cases: list[Case],
        peers: list[Case],
        of_nobody: list[Case],
        found: Mapping[str, Seen],
    ) -> list[Row]:
        """The rows of cases; what is lost of pods that nobody waits for the operator may find."""
        without = {case.fault.name: found[case.mark] for case in peers}
        for case in of_nobody:
            if found[case.mark].lost_silently:
                started = self._stage.started[case.mark]
                self._findings.look_for(case, without[case.fault.name], started)
        return [row(case, found[case.mark], without[case.fault.name]) for case in cases]

    def _case(self, fault: Fault, way: Way | None) -> Case:
        self._count += 1
        return Case(fault, way, f"{self._stage.session}-{self._count}")

    def _unmended(self, published: list[Case], peers: list[Case]) -> dict[str, Seen]:
        """While no operator is there: wrong bindings, and the pods without Mooring.

        The runs of the latter are deleted, so that the operator's findings are those of its own.
        """
        for case in published:
            apply(binding(case.name, case.namespace, case.namespace))
        for namespace in {case.namespace for case in published}:
            names = [case.name for case in published if case.namespace == namespace]
            wait_answered(names, namespace)
        try:
            with operator_stopped():
                for case in published:
                    publish(case.name, case.namespace, self._stage.world.env(case.fault))
                ends = self._stage.play([*peers, *published])
                found = self._seen([*published, *peers], ends)
                self._forget(peers)
        finally:
            for case in published:
                kubectl("delete", "mlb", case.name, "-n", case.namespace, "--wait=false")
        return found

    def _forget(self, cases: Iterable[Case]) -> None:
        marks = {case.mark for case in cases}
        for workspace in (MINTED, KEYLESS):
            with tracking(workspace) as server:
                for run in server.runs():
                    if mark_of(run.tags) in marks:
                        server.delete_run(run.run_id)

    def _seen(self, cases: Iterable[Case], ends: Mapping[str, End]) -> dict[str, Seen]:
        landed = kept((MINTED, KEYLESS))
        return {case.mark: seen(ends[case.mark], kept=case.mark in landed) for case in cases}


def in_turn(
    every: Iterable[Sequence[Fault]],
    play: Callable[[Sequence[Fault]], list[Row]],
    recover: Callable[[], None],
    unplayed: dict[str, str],
) -> Iterator[list[Row]]:
    """What `play` makes of one group of faults after the other.

    Where it fails, `recover` clears the way for the next group, and `unplayed` says why.
    """
    for some in every:
        say(f"    {', '.join(fault.name for fault in some)}")
        try:
            yield play(some)
        except BREAKS as error:
            unplayed |= dict.fromkeys((fault.name for fault in some), str(error))
            recover()


def groups(faults: Sequence[Fault]) -> Iterator[Sequence[Fault]]:
    """Faults that are played at the same time: some of pods, and each of the platform alone."""
    inside = [fault for fault in faults if not fault.outside and not fault.scene]
    for start in range(0, len(inside), TOGETHER):
        yield inside[start : start + TOGETHER]
    for fault in faults:
        if fault.outside or fault.scene:
            yield [fault]


def pods_of(faults: Sequence[Fault]) -> int:
    """How many pods are played; a scene counts for its rows."""
    return sum(len(fault.expected) + (0 if fault.scene else 1) for fault in faults)

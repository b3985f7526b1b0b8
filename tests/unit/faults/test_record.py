"""What a run of the matrix keeps: the rows of this run, and those of runs before it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster.process import ClusterError
from tests.faults import verdict
from tests.faults.corpus import CONTROLS, FAULTS
from tests.faults.fault import IN_SCENES, OUTSIDE, Family, Fault, Way
from tests.faults.matrix import TOGETHER, groups, in_turn, pods_of
from tests.faults.pods import Case
from tests.faults.progress import Progress
from tests.faults.seen import GUARD, NOBODY, End
from tests.faults.verdict import Row, measured_since, merged, recorded, row, seen, write

EXPECTED = {Way.LABEL: "TrackingUriEmpty", Way.CODE: "TrackingUriEmpty"}
FAULT = Fault("URI empty", Family.URI, EXPECTED, {"A": ""})
ORDER = [(FAULT.name, way) for way in FAULT.expected]


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RECORD", "BUILD"):
        monkeypatch.setattr(verdict, name, tmp_path / name / "faults.json")


def told(way: Way, message: str = "TrackingUriEmpty: it is.") -> Row:
    lost = seen(End(NOBODY, "", 1), kept=False)
    return row(Case(FAULT, way, "1"), seen(End(GUARD, message, 2), kept=False), lost)


def keep(*rows: Row) -> None:
    write({"measured": "now", "faults": merged(rows, ORDER)})


def test_rows_that_were_not_played_stay_in_both_places() -> None:
    keep(told(Way.CODE))
    keep(told(Way.LABEL))
    found = [each["way_in"] for each in recorded()["faults"]]
    assert found == [Way.LABEL, Way.CODE], "in the order of the corpus"
    assert json.loads(verdict.BUILD.read_text()) == json.loads(verdict.RECORD.read_text())


def test_a_row_is_measured_anew_and_one_of_no_fault_goes() -> None:
    keep(told(Way.LABEL, "once"), replace(told(Way.CODE), way_in="a way that is no more"))
    keep(told(Way.LABEL, "twice"))
    assert [each["message"] for each in recorded()["faults"]] == ["twice"]


def test_a_run_goes_on_with_what_is_old_or_came_otherwise() -> None:
    keep(told(Way.LABEL), told(Way.CODE, "something else"))
    assert measured_since("2026-01-01T00:00:00Z") == {(FAULT.name, Way.LABEL)}
    assert measured_since("2999-01-01T00:00:00Z") == set()


def test_every_fault_is_played_once_and_each_of_the_platform_alone() -> None:
    every = (*CONTROLS, *FAULTS)
    played = list(groups(every))
    assert sorted(f.name for some in played for f in some) == sorted(f.name for f in every)
    for some in played:
        alone = any(set(f.expected) & (OUTSIDE | IN_SCENES) for f in some)
        assert len(some) <= (1 if alone else TOGETHER)


def test_a_fault_that_cannot_be_played_does_not_stop_the_others() -> None:
    broken = replace(FAULT, name="broken")
    unplayed: dict[str, str] = {}
    recovered: list[bool] = []

    def play(some: Sequence[Fault]) -> list[Row]:
        if broken in some:
            raise ClusterError("the API server is away")
        return [told(Way.LABEL)]

    every = [[FAULT], [broken], [FAULT]]
    rows = list(in_turn(every, play, lambda: recovered.append(True), unplayed))
    assert [len(some) for some in rows] == [1, 1]
    assert unplayed == {"broken": "the API server is away"}
    assert recovered == [True]


def test_a_person_is_told_how_far_it_is() -> None:
    said: list[str] = []
    progress = Progress(pods_of([FAULT]), said.append)
    for _ in range(3):
        progress.ended()
    assert said == ["    3/3 pods, about 0 min left"]

"""The corpus of the reliability matrix is complete, and its pages are what was measured."""

import json
from collections import Counter

import pytest

from tests.cluster.paths import CHECKOUT
from tests.faults.corpus import CONTROLS, FAULTS
from tests.faults.fault import BY_CODE, BY_ENV, IN_SCENES, OUTSIDE, Family, Fault, Way
from tests.faults.outside import BREAKING
from tests.faults.report import page
from tests.faults.scenes import SCENES
from tests.faults.verdict import RECORD


def test_there_are_forty_faults_of_uri_credential_and_identity() -> None:
    families = Counter(fault.family for fault in FAULTS)
    assert sum(families[f] for f in (Family.URI, Family.CREDENTIAL, Family.IDENTITY)) >= 40
    assert min(families[f] for f in (Family.URI, Family.CREDENTIAL, Family.IDENTITY)) >= 8


def test_names_are_unique() -> None:
    names = [fault.name for fault in (*CONTROLS, *FAULTS)]
    assert sorted(names) == sorted(set(names))


def test_every_way_in_is_tried_and_controlled() -> None:
    assert {way for fault in FAULTS for way in fault.expected} >= set(Way)
    assert {way for fault in CONTROLS for way in fault.expected} == set(Way) - IN_SCENES


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_says_what_is_wrong_and_what_is_expected(fault: Fault) -> None:
    brought_about = (
        fault.env or fault.code,
        fault.outside in BREAKING,
        fault.scene in SCENES,
        fault.token,
    )
    assert [bool(each) for each in brought_about].count(True) == 1
    assert fault.expected
    assert all(fault.expected.values())
    assert bool(fault.token) == (Way.VOLUME in fault.expected)
    assert bool(fault.outside) == bool(set(fault.expected) & OUTSIDE)
    if fault.code:
        assert set(fault.expected) <= BY_CODE, "code cannot come in by an environment"
    for way in BY_ENV & set(fault.expected):
        assert any(value is not None for value in fault.env.values()), f"{way} can set, not unset"


def test_the_page_is_made_of_the_record() -> None:
    record = json.loads(RECORD.read_text())
    assert (CHECKOUT / "docs" / "reliability.md").read_text() == page(record)


def test_the_record_has_every_fault_by_every_way_and_came_as_expected() -> None:
    rows = json.loads(RECORD.read_text())["faults"]
    measured = {(row["name"], row["way_in"]) for row in rows}
    assert measured == {(f.name, way) for f in (*CONTROLS, *FAULTS) for way in f.expected}
    assert [row for row in rows if not row["as_expected"]] == []

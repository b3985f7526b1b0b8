"""When a credential is due, when the old one goes, and what a spoiled record means."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.contract import ROTATE_ANNOTATION
from mooring_operator.api.lifecycle import Rotation as Wanted
from mooring_operator.api.lifecycle import RotationDefaults, seconds
from mooring_operator.plan.rotation import (
    Policy,
    Rotation,
    loaded,
    policy_of,
    wait_until,
)

MONDAY = "2026-06-01T12:00:00Z"
TUESDAY = "2026-06-02T12:00:00Z"
WEDNESDAY = "2026-06-03T12:00:00Z"
DAY = timedelta(days=1)
NEVER = Policy(every=None, grace=DAY)
DAILY = Policy(every=DAY, grace=DAY)


def test_due_by_schedule_by_request_or_because_it_is_owed() -> None:
    held = Rotation(MONDAY, asked="a")
    assert not held.due(DAILY, MONDAY)
    assert held.due(DAILY, TUESDAY)
    assert not held.due(NEVER, WEDNESDAY)
    assert held.due(Policy(None, DAY, "b"), MONDAY)
    assert not held.due(Policy(None, DAY, "a"), MONDAY)
    assert not held.due(Policy(None, DAY, ""), MONDAY), "the annotation was taken off"
    assert Rotation(MONDAY, owed=True).due(NEVER, MONDAY)


def test_no_second_rotation_while_one_retires() -> None:
    held = Rotation(MONDAY).replaced("old", DAILY, TUESDAY)
    assert not held.due(DAILY, WEDNESDAY)
    assert held.revoked(("old",)).due(DAILY, WEDNESDAY)


def test_the_grace_begins_when_nothing_has_the_old_one() -> None:
    replaced = Rotation(MONDAY).replaced("old", NEVER, MONDAY)
    assert replaced.in_use == ("old",)
    assert replaced.over(NEVER, WEDNESDAY) == (), "a server may still have it"
    assert replaced.grace_ends(NEVER) is None
    unused = replaced.unused(TUESDAY)
    assert unused.in_use == ()
    assert unused.over(NEVER, TUESDAY) == ()
    assert unused.over(NEVER, WEDNESDAY) == ("old",)
    assert unused.grace_ends(NEVER) == WEDNESDAY
    assert unused.unused(WEDNESDAY) == unused, "once"


@given(st.dictionaries(st.text(), st.none() | st.just(MONDAY)), st.text(), st.booleans())
def test_what_is_written_is_read(retiring: dict[str, str | None], asked: str, owed: bool) -> None:
    state = Rotation(MONDAY, asked, owed, retiring)
    assert loaded(state.dumped(), NEVER, TUESDAY) == state


@given(st.text() | st.sampled_from(['{"made": 1}', "[]", "null", '{"made": "2026-06-01"}']))
def test_a_spoiled_record_is_that_of_a_credential_made_now(text: str) -> None:
    assert loaded(text, Policy(None, DAY, "a"), TUESDAY) == Rotation(TUESDAY, "a")


def test_a_class_says_what_a_workspace_leaves_out_and_the_shortest_grace() -> None:
    live = {"metadata": {"annotations": {ROTATE_ANNOTATION: "x"}}}
    defaults = RotationDefaults(every="720h", grace="2h")
    assert policy_of(live, Wanted(), defaults) == Policy(30 * DAY, timedelta(hours=2), "x")
    shorter, longer = Wanted(every="1h30m", grace="1h"), Wanted(grace="3h")
    assert policy_of(live, shorter, defaults).every == timedelta(hours=1.5)
    assert policy_of(live, shorter, defaults).grace == timedelta(hours=2)
    assert policy_of(live, longer, defaults).grace == timedelta(hours=3)


@pytest.mark.parametrize(("text", "wanted"), [("90s", 90), ("1h1m1s", 3661), ("0s", 0)])
def test_durations(text: str, wanted: int) -> None:
    assert seconds(text) == timedelta(seconds=wanted)


def test_the_next_look_is_at_the_first_time_and_never_at_once() -> None:
    assert wait_until([None, WEDNESDAY, TUESDAY], MONDAY) == DAY.total_seconds()
    assert wait_until([MONDAY], TUESDAY) == 1
    assert wait_until([None], MONDAY) is None

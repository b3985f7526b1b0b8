"""A state lasts when it is still the same a while later, and every other state begins anew."""

import pytest

from mooring_operator.reconcile import passing
from mooring_operator.reconcile.passing import Passing


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have any time be long enough."""
    monkeypatch.setattr(passing, "LASTING_S", 0.0)


def test_a_state_that_was_just_entered_passes() -> None:
    states = Passing()
    assert not states.has_lasted("uid", "migrates")
    assert not states.has_lasted("uid", "migrates")


@pytest.mark.usefixtures("no_patience")
def test_a_state_that_is_still_the_same_lasts() -> None:
    states = Passing()
    assert not states.has_lasted("uid", "migrates")
    assert states.has_lasted("uid", "migrates")


@pytest.mark.usefixtures("no_patience")
def test_another_state_begins_anew() -> None:
    states = Passing()
    states.has_lasted("uid", "migrates")
    assert not states.has_lasted("uid", "proves")
    assert not states.has_lasted("another uid", "proves")


@pytest.mark.usefixtures("no_patience")
def test_a_state_that_was_left_begins_anew() -> None:
    states = Passing()
    states.has_lasted("uid", "migrates")
    states.forget("uid")
    assert not states.has_lasted("uid", "migrates")

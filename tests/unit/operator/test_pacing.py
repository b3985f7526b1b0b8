"""What was answered before the start counts once, and only for a workspace that was well."""

from typing import Any

import pytest

from mooring_operator.api.lifecycle import AnsweredStatus
from mooring_operator.queue import Key, WorkQueue
from mooring_operator.reconcile import pacing
from mooring_operator.reconcile.pacing import Pacing, question

KEY = Key("MlflowWorkspace", "team", "models")
ANSWERED = {"artifactStore": "0123456789ab", "database": "ba9876543210"}
BEFORE = AnsweredStatus.model_validate(ANSWERED)
NOTHING = AnsweredStatus()


def workspace(condition: str = "True", generation: int = 1, **status: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": "True"}, {"type": "Exposed", "status": condition}]
    return {
        "metadata": {"generation": generation},
        "status": {"observedGeneration": 1, "conditions": conditions, **status},
    }


def test_it_counts_for_the_first_look_alone() -> None:
    paces, queue = Pacing(), WorkQueue()
    assert paces.answered(KEY, workspace(answered=ANSWERED), queue) == BEFORE
    assert paces.answered(KEY, workspace(answered=ANSWERED), queue) == NOTHING


@pytest.mark.parametrize(
    "live",
    [
        workspace("False", answered=ANSWERED),
        workspace("Unknown", answered=ANSWERED),
        workspace(generation=2, answered=ANSWERED),
        workspace(answered=ANSWERED, findings={"total": 1}),
        workspace(),
        {"metadata": {"generation": 1}},
    ],
)
def test_it_does_not_count_for_what_was_not_well_or_is_another(live: dict[str, Any]) -> None:
    assert Pacing().answered(KEY, live, WorkQueue()) == NOTHING


def test_another_look_comes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "SPREAD_S", 0.0)
    queue = WorkQueue()
    Pacing().answered(KEY, workspace(answered=ANSWERED), queue)
    assert queue.take() == KEY


def test_the_order_of_names_makes_no_other_question() -> None:
    assert question({"a": 1, "b": 2}) == question({"b": 2, "a": 1})
    assert question({"a": 1}) != question({"a": 2})


def test_a_namesake_begins_anew() -> None:
    paces, queue = Pacing(), WorkQueue()
    paces.answered(KEY, workspace(answered=ANSWERED), queue)
    paces.forget(KEY)
    assert paces.answered(KEY, workspace(answered=ANSWERED), queue) == BEFORE

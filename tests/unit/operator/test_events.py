"""Events: which transitions are told, and what an Event says."""

from typing import Any

import pytest

from mooring_operator.api.conditions import READY, Finding, Verdict
from mooring_operator.plan.events import MESSAGE_BYTES, event, transition

NOW = "2026-11-21T12:00:00Z"
LIVE = {
    "apiVersion": "mooring.dev/v1alpha1",
    "kind": "MlflowWorkspaceClass",
    "metadata": {"name": "gold", "uid": "1"},
}
FINE = Verdict(READY, None, "it works")


def wrong(reason: str, *, waiting: bool = False, message: str = "what to do") -> Verdict:
    return Verdict(READY, Finding(reason, message, waiting=waiting))


def was(status: str, reason: str) -> dict[str, Any]:
    return {"conditions": [{"type": READY, "status": status, "reason": reason}]}


@pytest.mark.parametrize(
    ("before", "ready", "told"),
    [
        ({}, FINE, True),
        ({}, wrong("NoKey"), True),
        ({}, wrong("Waiting", waiting=True), False),
        (was("True", "Ready"), FINE, False),
        (was("True", "Ready"), wrong("NoKey"), True),
        (was("False", "NoKey"), wrong("NoKey", message="another sentence"), False),
        (was("False", "NoKey"), wrong("NoBucket"), True),
        (was("False", "NoKey"), FINE, True),
    ],
)
def test_a_transition_is_told(before: dict[str, Any], ready: Verdict, told: bool) -> None:
    assert transition(before, ready) is told


def test_an_event_says_what_the_condition_says() -> None:
    made = event(LIVE, wrong("NoKey"), "mooring-operator", NOW)
    assert (made["type"], made["reason"], made["message"]) == ("Warning", "NoKey", "what to do")
    assert made["metadata"]["namespace"] == "default", "a class has none"
    assert event(LIVE, FINE, "mooring-operator", NOW)["type"] == "Normal"


def test_one_transition_has_one_name() -> None:
    names = [
        event(LIVE, ready, "mooring-operator", NOW)["metadata"]["name"]
        for ready in (FINE, FINE, wrong("NoKey"))
    ]
    assert names[0] == names[1] != names[2]


def test_a_long_message_is_cut_between_characters() -> None:
    made = event(LIVE, wrong("NoKey", message="€" * 1000), "mooring-operator", NOW)
    assert len(made["message"].encode()) <= MESSAGE_BYTES
    assert set(made["message"]) == {"€"}

"""What `status` concludes from live objects."""

from datetime import UTC, datetime
from typing import Any

import pytest

from mooring import contract
from mooring.cli.state import Readiness, readiness, state_of
from mooring.cli.tables import age, printable, show_state


def live(
    name: str = "team-a", *conditions: dict[str, Any], spec: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return an object of generation 2 with these conditions."""
    return {
        "metadata": {"namespace": "play", "name": name, "generation": 2},
        "spec": spec or {},
        "status": {"conditions": list(conditions)},
    }


def said(kind: str, status: str, *, seen: int = 2, since: str = "2026-01-01T00:00:00Z") -> Any:
    """Return a condition that was concluded from generation `seen`."""
    return {
        "type": kind, "status": status, "reason": "Why", "message": "a sentence.",
        "observedGeneration": seen, "lastTransitionTime": since,
    }  # fmt: skip


def pod(binding: str) -> dict[str, Any]:
    """Return what a list of metadata has of a pod that carries `binding`."""
    return {"metadata": {"namespace": "play", "labels": {contract.BINDING_LABEL: binding}}}


@pytest.mark.parametrize(
    ("conditions", "status", "reason"),
    [
        ([said("Ready", "True")], "True", ""),
        ([said("Ready", "False")], "False", "Why"),
        ([said("Ready", "True", seen=1)], "Unknown", "NotReconciled"),
        ([said("DatabaseReady", "True")], "Unknown", "NotReconciled"),
    ],
    ids=["ready", "not-ready", "about-an-older-spec", "nothing-said"],
)
def test_ready_is_what_the_operator_says_of_the_newest_spec(
    conditions: list[Any], status: str, reason: str
) -> None:
    found = readiness(live("team-a", *conditions))
    assert (found.status, found.reason) == (status, reason)
    assert found.holds == (status == "True")


def test_proven_only_while_the_round_trip_holds() -> None:
    holds, broken = (
        live("team-a", said("Ready", status), said("RoundTripVerified", status))
        for status in ("True", "False")
    )
    rows = state_of([holds, broken], [], {}, []).workspaces
    assert [row.proven for row in rows] == ["2026-01-01T00:00:00Z", None]


def test_counts_the_living_pods_of_each_binding_and_of_their_workspace() -> None:
    bindings = [
        live(name, said("Ready", "True"), spec={"workspaceRef": {"name": "team-a"}})
        for name in ("b", "a")
    ]
    workspace = live("team-a", said("Ready", "True"))
    state = state_of([workspace], bindings, {"play": [pod("a"), pod("a"), pod("b")]}, [])
    assert [(row.name, row.workspace, row.pods) for row in state.bindings] == [
        ("a", "play/team-a", 2),
        ("b", "play/team-a", 1),
    ]
    assert [row.pods for row in state.workspaces] == [3]
    blind = state_of([workspace], bindings, {}, [])
    assert [row.pods for row in blind.bindings] == [None, None]
    assert [row.pods for row in blind.workspaces] == [None]


def test_is_ready_when_everything_is() -> None:
    good, bad = live("a", said("Ready", "True")), live("b", said("Ready", "False"))
    assert state_of([good], [], {}, []).ready
    assert not state_of([good, bad], [], {}, []).ready
    assert not Readiness("Unknown").holds


@pytest.mark.parametrize(
    ("then", "told"),
    [
        (None, "-"),
        ("2026-01-03T00:00:00Z", "0s"),
        ("2026-01-02T23:59:01Z", "59s"),
        ("2026-01-02T22:59:59Z", "1h"),
        ("2026-01-03T01:00:00+02:00", "1h"),
        ("2025-12-03T00:00:00Z", "31d"),
        ("2026-02-03T00:00:00Z", "0s"),
    ],
)
def test_ages_are_told_in_their_largest_unit(then: str | None, told: str) -> None:
    assert age(then, datetime(2026, 1, 3, tzinfo=UTC)) == told


def test_a_message_cannot_command_the_terminal() -> None:
    assert printable("a\x1b[2Jb\nc") == "a�[2Jb\nc"


def test_a_narrow_terminal_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "a-namespace-with-quite-a-long-name-as-they-are-where-many-teams-are"
    bad = live(name, said("Ready", "False"), spec={"workspaceRef": {"name": name}})
    monkeypatch.setenv("COLUMNS", "40")
    show_state(state_of([bad], [bad], {}, []), datetime(2026, 1, 3, tzinfo=UTC))
    told = " ".join(capsys.readouterr().out.split())
    assert f"play {name} False - - ? ?" in told
    assert f"play {name} False play/{name} ?" in told
    assert told.count("Why: a sentence.") == 2

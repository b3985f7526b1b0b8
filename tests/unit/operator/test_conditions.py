"""Conditions: the first thing that is wrong is the summary, and time moves only on a flip."""

from mooring_operator.api.conditions import (
    ARTIFACT_STORE_READY,
    DATABASE_READY,
    READY,
    SERVER_AVAILABLE,
    Finding,
    Verdict,
    summary,
    to_conditions,
)

EARLIER, NOW = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def test_the_summary_is_the_first_finding() -> None:
    verdicts = [
        Verdict(DATABASE_READY, Finding("WrongCredentials", "the password is wrong")),
        Verdict(SERVER_AVAILABLE, Finding("Waiting", "waits", waiting=True)),
    ]
    assert summary(verdicts, "fine").finding == Finding("WrongCredentials", "the password is wrong")
    assert summary([Verdict(DATABASE_READY, None)], "fine").ok


def test_what_somebody_must_act_on_comes_before_what_is_under_way() -> None:
    verdicts = [
        Verdict(DATABASE_READY, Finding("Running", "the migration runs", waiting=True)),
        Verdict(ARTIFACT_STORE_READY, Finding("Unreachable", "no answer")),
    ]
    assert summary(verdicts, "fine").finding == Finding("Unreachable", "no answer")


def test_time_moves_only_when_the_status_flips() -> None:
    failing = Verdict(READY, Finding("Unreachable", "no answer"))
    first = to_conditions([failing], [], 1, EARLIER)
    again = to_conditions([Verdict(READY, Finding("Busy", "too many"))], first, 2, NOW)
    assert again[0]["lastTransitionTime"] == EARLIER
    assert (again[0]["reason"], again[0]["observedGeneration"]) == ("Busy", 2)
    holds = to_conditions([Verdict(READY, None, "all is well")], again, 2, NOW)
    assert holds[0]["lastTransitionTime"] == NOW
    assert (holds[0]["status"], holds[0]["reason"]) == ("True", "Ready")

"""What the page says of a task instance from Airflow's records alone."""

from typing import Any

import pytest

from mooring_airflow.ui.records import Task
from mooring_airflow.ui.verdict import Kind, verdict_of


def task(state: str, **changes: Any) -> Task:
    return Task(
        **{
            "task_id": "train", "map_index": -1, "map_name": "", "state": state, "try_number": 2,
            "binding": "team-a", **changes,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("", Kind.GOING_ON),
        ("running", Kind.GOING_ON),
        ("deferred", Kind.GOING_ON),
        ("success", Kind.UNVERIFIED),
        ("failed", Kind.FAILED),
        ("up_for_retry", Kind.FAILED),
        ("skipped", Kind.NOT_RUN),
        ("upstream_failed", Kind.NOT_RUN),
        ("up_for_reschedule", Kind.GOING_ON),
        ("a state of a later Airflow", Kind.GOING_ON),
    ],
)
def test_the_state_says_it_where_no_run_was_handed_on(state: str, kind: Kind) -> None:
    assert verdict_of(task(state)).kind == kind


def test_a_run_that_was_handed_on_was_verified() -> None:
    assert verdict_of(task("success", reference={"run_id": "r"})).kind == Kind.VERIFIED


def test_a_run_of_a_task_that_failed_all_the_same_is_no_success() -> None:
    verdict = verdict_of(task("failed", reference={"run_id": "r"}))
    assert (verdict.kind, verdict.why.partition(".")[0]) == (Kind.FAILED, "Try 2 failed")

"""What the page says of a task instance, from Airflow's records and from its runs."""

from dataclasses import replace
from typing import Any

import pytest

from mooring import contract
from mooring_airflow.evidence import PARENT_TAG, Run
from mooring_airflow.ui.page import page_of
from mooring_airflow.ui.records import Recorded, Task
from mooring_airflow.ui.servers import Answer, Found, Sizes
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
def test_the_state_says_it_where_nothing_else_is_known(state: str, kind: Kind) -> None:
    assert verdict_of(task(state), None).kind == kind


def run(run_id: str, status: str = "FINISHED", try_number: int = 2, **tags: str) -> Run:
    named = {
        contract.TAG_TASK_ID: "train",
        contract.TAG_MAP_INDEX: "-1",
        contract.TAG_TRY_NUMBER: str(try_number),
        **{f"mooring.{name}": value for name, value in tags.items()},
    }
    return Run(run_id, "7", f"name of {run_id}", status, "s3://b/7", 0, named, {})


HANDED_ON = {"run_id": "r", "experiment_id": "7", "ui_url": "https://m/#/experiments/7/runs/r"}


@pytest.mark.parametrize(
    ("state", "reference", "runs", "kind"),
    [
        ("success", HANDED_ON, None, Kind.VERIFIED),
        ("success", HANDED_ON, [run("r")], Kind.VERIFIED),
        ("success", HANDED_ON, [], Kind.LOST),
        ("success", {}, [run("r", verified="true")], Kind.VERIFIED),
        ("success", {}, [run("r")], Kind.UNVERIFIED),
        ("success", {}, [run("r", try_number=1, verified="true")], Kind.UNVERIFIED),
        ("success", HANDED_ON, [run("r", "RUNNING")], Kind.LOST),
        ("failed", {}, [run("r", "RUNNING")], Kind.LOST),
        ("failed", HANDED_ON, [run("r")], Kind.FAILED),
        ("running", {}, [run("r", "RUNNING")], Kind.GOING_ON),
        ("running", {}, [run("r", "RUNNING", try_number=1)], Kind.GOING_ON),
    ],
)
def test_the_runs_say_more(
    state: str, reference: dict[str, str], runs: list[Run] | None, kind: Kind
) -> None:
    assert verdict_of(task(state, reference=reference), runs).kind == kind


def test_the_finding_of_this_try_is_told_and_no_other() -> None:
    runs = [run("b", "FAILED", finding="OOMKilled"), run("a", "KILLED", 1, finding="Superseded")]
    assert verdict_of(task("failed"), runs).why.startswith("Try 2 failed: OOMKilled.")


def test_runs_of_a_task_without_a_binding_of_its_own_are_shown_too() -> None:
    recorded = Recorded("d", "r", "success", (task("success", binding=""),))
    found = [Found(run("r", verified="true"), [], Sizes(1, 12, complete=True))]
    page = page_of(recorded, [Answer("team-a", "https://m", found)], "")
    assert [row.verdict.kind for row in page.rows] == [Kind.VERIFIED]


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        (None, "not counted"),
        (Sizes(1, 999, complete=True), "1 file, 999 B"),
        (Sizes(2, 1000, complete=True), "2 files, 1.0 kB"),
        (Sizes(2, 12_345_678, complete=False), "at least 2 files, 12.3 MB"),
        (Sizes(2, 10**18, complete=True), "2 files, 1000000.0 TB"),
    ],
)
def test_sizes_are_told_as_people_say_them(sizes: Sizes | None, told: str) -> None:
    recorded = Recorded("d", "r", "success", (task("success"),))
    page = page_of(recorded, [Answer("team-a", "https://m", [Found(run("r"), [], sizes)])], "")
    assert page.rows[0].runs[0].artifacts == told


def test_children_are_counted_and_not_listed() -> None:
    child = run("c")
    nested = replace(child, tags={**child.tags, PARENT_TAG: "r"})
    recorded = Recorded("d", "r", "success", (task("success"),))
    found = [Found(one, [], None) for one in (run("r"), nested)]
    page = page_of(recorded, [Answer("team-a", "https://m", found)], "")
    assert (len(page.rows[0].runs), page.rows[0].children) == (1, 1)


def test_links_of_all_runs_lead_where_people_reach_the_server() -> None:
    other = task("success", task_id="other", reference=HANDED_ON)
    recorded = Recorded("d", "r", "success", (task("failed"), other))
    found = [Found(run("r", "FAILED"), [], None)]
    page = page_of(recorded, [Answer("team-a", "http://in-the-cluster:5000", found)], "")
    assert [row.runs[0].run.url for row in page.rows] == ["https://m/#/experiments/7/runs/r"] * 2

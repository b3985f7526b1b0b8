"""The page as a browser gets it from a real API server: who may see it, and what it says."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from tests.integration.airflow_ui.stories import EVIL, HOSTILE, MIXED, TRACKING, WITHOUT
from tests.integration.airflow_ui.world import PREFIX, Airflow


class Cells(HTMLParser):
    """The texts of a table's cells, row by row, and where its links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser.handle_starttag`."""
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")
        elif tag == "a":
            self.links.append(dict(attrs)["href"] or "")

    def handle_data(self, data: str) -> None:
        """See `HTMLParser.handle_data`."""
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] = " ".join(f"{self.rows[-1][-1]} {data}".split())


def rows(ui: Airflow, run_id: str) -> Iterator[tuple[str, str]]:
    """The first two columns: the task instance, and what is said of it."""
    answer = ui.page(run_id, "ann")
    assert answer.status_code == 200, answer.text
    for task, verdict, *_ in Cells(answer.text).rows[1:]:
        yield task, verdict


def test_nobody_sees_it_without_a_login(ui: Airflow) -> None:
    answer = ui.page(MIXED.run_id)
    assert answer.status_code == 401
    assert "Log in to Airflow" in answer.text
    assert "train" not in answer.text


def test_another_team_sees_nothing_not_even_which_runs_there_are(ui: Airflow) -> None:
    there, not_there = (ui.page(run_id, "bob") for run_id in (MIXED.run_id, "manual__no"))
    assert (there.status_code, not_there.status_code) == (403, 403)
    assert there.text == not_there.text
    assert "You may not read this DAG" in there.text
    assert "train" not in there.text


@pytest.mark.parametrize("dag_id", ["~", "no_such_dag"])
def test_a_dag_that_is_none_has_no_runs(ui: Airflow, dag_id: str) -> None:
    assert ui.page(MIXED.run_id, "bob", dag_id).status_code == 404


def test_what_needs_a_person_comes_first(ui: Airflow) -> None:
    assert list(rows(ui, MIXED.run_id)) == [
        (
            "train map index 1, try 3, failed",
            "Failed Try 3 failed. The task's log says what was lost, and why.",
        ),
        (
            "evaluate try 1, success",
            "Not verified The task handed on no verified run. "
            "Only MlflowPodOperator verifies what landed.",
        ),
        ("train map index 2, try 1, running", "In progress"),
        ("train map index 0, try 1, success", "Verified"),
        ("deploy try 1, upstream_failed", "Not run Airflow says upstream_failed."),
    ]


def test_links_lead_to_mlflow_and_to_airflow_under_its_path(ui: Airflow) -> None:
    links = Cells(ui.page(MIXED.run_id, "ann").text).links
    experiment = f"{TRACKING}/#/experiments/7"
    assert [link for link in links if link.startswith(TRACKING)] == [
        f"{experiment}/runs/r0",
        experiment,
        f"{experiment}/models/m-r0",
    ]
    run = "manual__2026-11-22T01%3A00%3A00%2B00%3A00"
    assert f"{PREFIX}/dags/churn/runs/{run}/tasks/train/mapped/1?try_number=3" in links
    assert all(link.startswith((TRACKING, f"{PREFIX}/dags/")) for link in links if link)


def test_what_an_author_pushed_is_text_and_no_markup(ui: Airflow) -> None:
    answer = ui.page(HOSTILE.run_id, "ann")
    assert answer.status_code == 200
    assert EVIL not in answer.text
    assert "javascript:" not in answer.text
    assert [verdict.partition(" The")[0] for _, verdict in rows(ui, HOSTILE.run_id)] == [
        "Not verified",
        "Not verified",
        "Verified",
    ]


def test_a_run_without_any_binding_says_so(ui: Airflow) -> None:
    text = ui.page(WITHOUT.run_id, "ann").text
    assert "No task of this DAG run has begun with an MLflow binding." in text
    assert "6 other task instances" in text


def test_nothing_is_loaded_but_the_two_files_beside_it(ui: Airflow) -> None:
    answer = ui.page(MIXED.run_id, "ann")
    assert answer.headers["content-security-policy"].startswith("default-src 'none';")
    assert answer.headers["cache-control"] == "no-store"
    loaded = re.findall(r'<(?:link|script)[^>]+(?:href|src)="([^"]+)"', answer.text)
    assert loaded == [f"{PREFIX}/mooring/static/page.{ending}" for ending in ("css", "js")]
    for path in loaded:
        assert ui.get(path.removeprefix(f"{PREFIX}/")).status_code == 200


def test_airflow_offers_it_as_a_tab_of_a_dag_run(ui: Airflow) -> None:
    plugins = ui.get("api/v2/plugins", "root").json()["plugins"]
    (view,) = next(p for p in plugins if p["name"] == "mooring")["external_views"]
    assert (view["name"], view["destination"], view["url_route"]) == ("MLflow", "dag_run", "mlflow")
    # Airflow's page has [api] base_url as its base, and a leading slash would leave it.
    assert view["href"] == "mooring/dags/{DAG_ID}/runs/{RUN_ID}"
    assert not ui.get("api/v2/plugins/importErrors", "root").json()["import_errors"]

"""The page of a real API server: who may see it, what it says, and one look with a browser.

One file, so that one worker of pytest has all that needs the server.
"""

import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pytest

from tests.cluster.process import wait_until
from tests.integration.airflow.world import Workspace
from tests.integration.airflow_ui.browser import browser
from tests.integration.airflow_ui.looking import (
    DARK_TEXT,
    FRAME,
    LIGHT_TEXT,
    PAGE,
    SIZE,
    TEXT,
    click,
    keep,
)
from tests.integration.airflow_ui.stories import (
    DOWN,
    EVIL,
    HOSTILE,
    LIVE,
    RECORDED,
    TAGGED,
    TRACKING,
    WITHOUT,
)
from tests.integration.airflow_ui.world import PASSWORD_OF_MLFLOW, PREFIX, Airflow

COLUMNS = 6
CELLS = ("th", "td")
WANTED_AT: Final = "MOORING_SCREENSHOTS"
"""The folder that `make screenshots` wants the pictures in."""


class Cells(HTMLParser):
    """The texts of a table's cells, row by row, and where its links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.links: list[str] = []
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser.handle_starttag`."""
        if tag == "tr":
            self.rows.append([])
        elif tag in CELLS:
            self.rows[-1].append("")
            self._in_cell = True
        elif tag == "a":
            self.links.append(dict(attrs)["href"] or "")

    def handle_endtag(self, tag: str) -> None:
        """See `HTMLParser.handle_endtag`."""
        if tag in CELLS:
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        """See `HTMLParser.handle_data`."""
        if self._in_cell:
            self.rows[-1][-1] = " ".join(f"{self.rows[-1][-1]} {data}".split())


def rows(ui: Airflow, run_id: str) -> Iterator[list[str]]:
    """The cells of each task instance, with those of its first run."""
    answer = ui.page(run_id, "ann")
    assert answer.status_code == 200, answer.text
    yield from (cells for cells in Cells(answer.text).rows[1:] if len(cells) == COLUMNS)


def test_nobody_sees_it_without_a_login(ui: Airflow) -> None:
    answer = ui.page(LIVE)
    assert answer.status_code == 401
    assert "Log in to Airflow" in answer.text
    assert "train" not in answer.text


def test_another_team_sees_nothing_not_even_which_runs_there_are(ui: Airflow) -> None:
    there, not_there = (ui.page(run_id, "bob") for run_id in (LIVE, "manual__no"))
    assert (there.status_code, not_there.status_code) == (403, 403)
    assert there.text == not_there.text
    assert "You may not read this DAG" in there.text
    assert "train" not in there.text


@pytest.mark.parametrize("dag_id", ["~", "no_such_dag"])
def test_a_dag_that_is_none_has_no_runs(ui: Airflow, dag_id: str) -> None:
    assert ui.page(LIVE, "bob", dag_id).status_code == 404


def test_what_needs_a_person_comes_first_with_what_mlflow_has_of_it(ui: Airflow) -> None:
    found = [(task, verdict, sizes) for task, verdict, _, _, sizes, _ in rows(ui, LIVE)]
    lost = found.pop(0)
    assert lost[0] == "evaluate try 2, success"
    assert re.fullmatch(
        r"Lost Run \w+ was verified when the task ended, and the tracking server no longer has it.",
        lost[1],
    )
    assert found == [
        (
            "train map index 1, try 2, failed",
            "Failed Try 2 failed: OOMKilled, limit 512Mi. "
            "The task's log says what was lost, and why.",
            "0 files, 0 B",
        ),
        ("train map index 2, try 2, running", "In progress", "0 files, 0 B"),
        ("train map index 0, try 2, success", "Verified", "4 files, 3.0 kB"),
        ("deploy try 1, upstream_failed", "Not run Airflow says upstream_failed.", "not known"),
    ]


def test_runs_of_earlier_tries_are_told_from_the_last(ui: Airflow) -> None:
    cells = Cells(ui.page(LIVE, "ann").text).rows
    (at,) = (at for at, (task, *_) in enumerate(cells) if "map index 1" in task)
    assert "FAILED (OOMKilled, limit 512Mi), experiment 0" in cells[at][2]
    # A row of its own, beside the cells of the task instance.
    assert "KILLED (Superseded), experiment 0 , of try 1" in cells[at + 1][0]


def test_links_lead_to_mlflow_and_to_airflow_under_its_path(ui: Airflow, team: Workspace) -> None:
    links = [link for link in Cells(ui.page(LIVE, "ann").text).links if link]
    assert all(link.startswith((f"{team.url}/#/experiments/0", PREFIX)) for link in links)
    assert any("/models/m-" in link for link in links)
    run = "manual__2026-11-22T02%3A00%3A00%2B00%3A00"
    assert f"{PREFIX}/dags/churn/runs/{run}/tasks/train/mapped/1?try_number=2" in links


def test_the_login_of_the_connection_is_in_no_page(ui: Airflow) -> None:
    for run in (LIVE, RECORDED, DOWN):
        assert PASSWORD_OF_MLFLOW not in ui.page(run, "ann").text


def test_without_a_connection_it_shows_what_airflow_recorded_and_says_so(ui: Airflow) -> None:
    text = ui.page(RECORDED, "ann").text
    assert "Airflow has no connection mlflow_unknown: set spec.airflow.connection" in text
    assert [(task, verdict) for task, verdict, *_ in rows(ui, RECORDED)] == [
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
    experiment = f"{TRACKING}/#/experiments/7"
    assert [link for link in Cells(text).links if link.startswith(TRACKING)] == [
        f"{experiment}/runs/r0",
        experiment,
        f"{experiment}/models/m-r0",
    ]


def test_with_a_server_that_is_down_it_shows_the_same(ui: Airflow) -> None:
    answer = ui.page(DOWN, "ann")
    assert "Its tracking server does not answer as MLflow does." in answer.text
    ((task, verdict, *_),) = Cells(answer.text).rows[1:]
    assert (task, verdict) == ("evaluate try 1, success", "Verified")


def test_what_an_author_pushed_is_text_and_no_markup(ui: Airflow) -> None:
    answer = ui.page(HOSTILE, "ann")
    assert answer.status_code == 200
    assert EVIL not in answer.text
    assert "javascript:" not in answer.text
    assert [cells[1].partition(" The")[0] for cells in rows(ui, HOSTILE)] == [
        "Not verified",
        "Not verified",
        "Verified",
    ]


def test_a_binding_that_the_dag_names_counts_for_its_pods(ui: Airflow) -> None:
    page = Cells(ui.page(TAGGED, "ann", "tagged").text)
    ((task, verdict, run, _, _, binding),) = page.rows[1:]
    assert (task, binding) == ("fit try 1, success", "team-a")
    assert verdict.startswith("Not verified")
    assert "FINISHED" in run


def test_a_run_without_any_binding_says_so(ui: Airflow) -> None:
    text = ui.page(WITHOUT, "ann").text
    assert "No task of this DAG run has begun with an MLflow binding." in text
    assert "6 other task instances" in text


def test_nothing_is_loaded_but_the_two_files_beside_it(ui: Airflow) -> None:
    answer = ui.page(LIVE, "ann")
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


def test_the_tab_in_a_real_browser(ui: Airflow, team: Workspace, tmp_path: Path) -> None:
    pictures = Path(os.environ.get(WANTED_AT) or tmp_path)
    with browser() as chromium, chromium.tab() as tab:
        tab.look(SIZE, "light")
        tab.log_in(ui.url, ui.token("ann"))
        tab.open(f"{ui.url}/dags/churn/runs/{LIVE}/plugin/mlflow")
        tab.wait_for(f"{PAGE}.querySelectorAll('tbody th').length === 5")
        tab.wait_for(f"{TEXT} === '{DARK_TEXT}'")
        keep(tab, pictures / "airflow-page-light.png")
        loaded = tab.evaluate(
            f"{FRAME}.contentWindow.performance.getEntriesByType('resource').map(e => e.name)"
        )
        assert loaded == [f"{ui.url}/mooring/static/page.{kind}" for kind in ("css", "js")]

        tab.look(SIZE, "dark")
        tab.wait_for(f"{TEXT} === '{LIGHT_TEXT}'")
        keep(tab, pictures / "airflow-page-dark.png")

        # The frame may open nothing by itself: the page around it does.
        click(tab, "tbody a[target=_blank]")
        run = f"{team.url}/#/experiments/0/runs/"
        wait_until(
            lambda: any(address.startswith(run) for address in chromium.addresses()),
            f"a tab at {run}",
        )
        click(tab, "tbody a[target=_top]")
        tab.wait_for("location.pathname.endsWith('/tasks/evaluate')")

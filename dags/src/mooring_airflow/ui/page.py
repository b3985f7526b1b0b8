"""The page as values: one row for each task instance, what needs a person first. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

from mooring_airflow.ui.records import Recorded, Task
from mooring_airflow.ui.verdict import WORDS, Kind, Verdict, verdict_of

RUN_PATH: Final = "/#/experiments/"


@dataclass(frozen=True, slots=True)
class Link:
    """A text and where it leads; nowhere when `url` is empty."""

    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A task instance and its run, as the page shows them."""

    task: Task
    log: str
    verdict: Verdict
    run: Link | None
    run_status: str
    experiment: Link | None
    model: Link | None


@dataclass(frozen=True, slots=True)
class Page:
    """All that the page shows of a DAG run."""

    recorded: Recorded
    rows: tuple[Row, ...]
    summary: str


def page_of(recorded: Recorded, airflow: str) -> Page:
    """The page of a DAG run; `airflow` is the path of Airflow's own pages, without a last slash."""
    rows = [_row(recorded, task, airflow) for task in recorded.tasks]
    rows.sort(key=lambda row: (row.verdict.kind, row.task.task_id, row.task.map_index))
    return Page(recorded, tuple(rows), _summary(rows))


def _summary(rows: list[Row]) -> str:
    counted = Counter(row.verdict.kind for row in rows)
    return ", ".join(f"{counted[kind]} {WORDS[kind].lower()}" for kind in Kind if counted[kind])


def _row(recorded: Recorded, task: Task, airflow: str) -> Row:
    said = task.reference
    address = _address(said)
    experiment, model = _text(said, "experiment_id"), _text(said, "model_id")
    of_experiment = f"{address}{RUN_PATH}{quote(experiment)}" if address and experiment else ""
    run = _text(said, "run_id")
    return Row(
        task=task,
        log=_log(recorded, task, airflow),
        verdict=verdict_of(task),
        run=Link(run, f"{of_experiment}/runs/{quote(run)}" if of_experiment else "")
        if run
        else None,
        run_status=_text(said, "status"),
        experiment=Link(experiment, of_experiment) if experiment else None,
        model=_model(said, model, of_experiment),
    )


def _model(said: Mapping[str, Any], model: str, of_experiment: str) -> Link | None:
    if not model:
        return None
    url = f"{of_experiment}/models/{quote(model)}" if of_experiment else ""
    return Link(_text(said, "model_name") or model, url)


def _address(said: Mapping[str, Any]) -> str:
    """The tracking server's own pages; empty where what an author pushed is no such address."""
    address = _text(said, "url").partition(RUN_PATH)[0]
    return address if urlsplit(address).scheme in ("http", "https") else ""


def _text(said: Mapping[str, Any], key: str) -> str:
    value = said.get(key)
    return str(value) if isinstance(value, str | int) else ""


def _log(recorded: Recorded, task: Task, airflow: str) -> str:
    """The task instance's own page in Airflow."""
    ids = (recorded.dag_id, recorded.run_id, task.task_id)
    dag, run, name = (quote(text, safe="") for text in ids)
    mapped = f"/mapped/{task.map_index}" if task.map_index >= 0 else ""
    return f"{airflow}/dags/{dag}/runs/{run}/tasks/{name}{mapped}?try_number={task.try_number}"

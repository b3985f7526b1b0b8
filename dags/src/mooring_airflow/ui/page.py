"""The page as values: one row for each task instance, what needs a person first. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote, urlsplit

from mooring import contract
from mooring_airflow.evidence import Model, Run, roots
from mooring_airflow.identity import UNMAPPED
from mooring_airflow.ui.records import Instance, Recorded, Task
from mooring_airflow.ui.servers import Answer, Found, Sizes
from mooring_airflow.ui.verdict import WORDS, Kind, Verdict, of_this_try, verdict_of

RUN_PATH: Final = "/#/experiments/"
UNITS: Final = ("kB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True)
class Link:
    """A text and where it leads; nowhere when `url` is empty."""

    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A run with all that belongs to it; `earlier` is its try, where it is an old one."""

    run: Link
    status: str
    experiment: Link | None
    models: tuple[Link, ...]
    artifacts: str
    earlier: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A task instance and its runs."""

    task: Task
    log: str
    verdict: Verdict
    runs: tuple[ShownRun, ...]
    children: int


@dataclass(frozen=True, slots=True)
class Page:
    """All that the page shows of a DAG run: `others` task instances have nothing to do with MLflow.

    `troubles` are the bindings whose server said nothing, and why.
    """

    recorded: Recorded
    rows: tuple[Row, ...]
    others: int
    summary: str
    troubles: tuple[Answer, ...]


def page_of(recorded: Recorded, answers: Sequence[Answer], airflow: str) -> Page:
    """The page of a DAG run; `airflow` is the path of Airflow's own pages, without a last slash."""
    found = _by_instance(_where_people_reach(recorded, answers))
    known = {answer.binding for answer in answers if not answer.trouble}
    rows = [
        _row(recorded, task, found.get(task.instance, []), task.binding in known, airflow)
        for task in recorded.tasks
        if task.binding or task.reference or task.instance in found
    ]
    rows.sort(key=lambda row: (row.verdict.kind, row.task.instance))
    troubles = tuple(answer for answer in answers if answer.trouble)
    others = len(recorded.tasks) - len(rows)
    return Page(recorded, tuple(rows), others, _summary(rows), troubles)


def _summary(rows: Iterable[Row]) -> str:
    counted = Counter(row.verdict.kind for row in rows)
    return ", ".join(f"{counted[kind]} {WORDS[kind].lower()}" for kind in Kind if counted[kind])


def _by_instance(answers: Iterable[Answer]) -> Mapping[Instance, list[tuple[Answer, Found]]]:
    """What was found, by the task instance that its tags name."""
    by_instance = defaultdict(list)
    for answer in answers:
        for one in answer.found:
            tags = one.run.tags
            index = tags.get(contract.TAG_MAP_INDEX, UNMAPPED)
            number = int(index) if index.lstrip("-").isdecimal() else int(UNMAPPED)
            by_instance[tags.get(contract.TAG_TASK_ID, ""), number].append((answer, one))
    return by_instance


def _where_people_reach(recorded: Recorded, answers: Iterable[Answer]) -> list[Answer]:
    """The answers with the address that some task of the same binding handed on, where one did.

    A connection has the address that the cluster reaches, and perhaps nobody else.
    """
    told = {
        task.binding: address for task in recorded.tasks if (address := _address(task.reference))
    }
    return [replace(answer, url=told.get(answer.binding, answer.url)) for answer in answers]


def _row(
    recorded: Recorded,
    task: Task,
    found: Sequence[tuple[Answer, Found]],
    known: bool,
    airflow: str,
) -> Row:
    runs = [one.run for _, one in found]
    of_pods = roots(runs)
    own = [(answer, one) for answer, one in found if one.run in of_pods]
    shown = [_shown(task, answer, one) for answer, one in own]
    return Row(
        task=task,
        log=_log(recorded, task, airflow),
        verdict=verdict_of(task, runs if known or runs else None),
        runs=tuple(shown) if shown else _handed_on(task.reference),
        children=len(found) - len(own),
    )


def _shown(task: Task, answer: Answer, one: Found) -> ShownRun:
    """A run as the tracking server tells it."""
    run = one.run
    of_experiment = _experiment(answer.url, run.experiment_id)
    return ShownRun(
        run=Link(run.name or run.run_id, _below(of_experiment, "runs", run.run_id)),
        status=_status(run),
        experiment=Link(run.experiment_id, of_experiment),
        models=tuple(_model(model, of_experiment) for model in one.models),
        artifacts=_told(one.sizes),
        earlier="" if of_this_try(run, task) else run.tags.get(contract.TAG_TRY_NUMBER, ""),
    )


def _status(run: Run) -> str:
    finding = run.tags.get(contract.TAG_FINDING)
    return f"{run.status} ({finding})" if finding else run.status


def _model(model: Model, of_experiment: str) -> Link:
    return Link(model.name or model.model_id, _below(of_experiment, "models", model.model_id))


def _handed_on(said: Mapping[str, Any]) -> tuple[ShownRun, ...]:
    """The run of a reference, where the tracking server was not heard."""
    run, model = _text(said, "run_id"), _text(said, "model_id")
    if not run:
        return ()
    experiment = _text(said, "experiment_id")
    of_experiment = _experiment(_address(said), experiment)
    name = _text(said, "model_name") or model
    shown = ShownRun(
        run=Link(run, _below(of_experiment, "runs", run)),
        status=_text(said, "status"),
        experiment=Link(experiment, of_experiment) if experiment else None,
        models=(Link(name, _below(of_experiment, "models", model)),) if model else (),
        artifacts="",
    )
    return (shown,)


def _experiment(address: str, experiment: str) -> str:
    return f"{address}{RUN_PATH}{quote(experiment)}" if address and experiment else ""


def _below(of_experiment: str, kind: str, name: str) -> str:
    return f"{of_experiment}/{kind}/{quote(name)}" if of_experiment else ""


def _address(said: Mapping[str, Any]) -> str:
    """The tracking server's own pages; empty where what an author pushed is no such address."""
    address = _text(said, "ui_url").partition(RUN_PATH)[0]
    return address if urlsplit(address).scheme in ("http", "https") else ""


def _text(said: Mapping[str, Any], key: str) -> str:
    value = said.get(key)
    return str(value) if isinstance(value, str | int) else ""


def _told(sizes: Sizes | None) -> str:
    """What is in the store: `3 files, 1.2 MB`."""
    if sizes is None:
        return "not counted"
    least = "" if sizes.complete else "at least "
    return f"{least}{sizes.files} file{'' if sizes.files == 1 else 's'}, {_bytes(sizes.size)}"


def _bytes(size: int) -> str:
    if size < 1000:
        return f"{size} B"
    power = min((len(str(size)) - 1) // 3, len(UNITS))
    return f"{size / 1000**power:.1f} {UNITS[power - 1]}"


def _log(recorded: Recorded, task: Task, airflow: str) -> str:
    """The task instance's own page in Airflow."""
    ids = (recorded.dag_id, recorded.run_id, task.task_id)
    dag, run, name = (quote(text, safe="") for text in ids)
    mapped = f"/mapped/{task.map_index}" if task.map_index >= 0 else ""
    return f"{airflow}/dags/{dag}/runs/{run}/tasks/{name}{mapped}?try_number={task.try_number}"

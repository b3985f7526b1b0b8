"""`python -m tests.demo`: the system, and the main job on it, from a terminal."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import typer

from mooring import contract
from tests.cluster.process import ClusterError
from tests.cluster.report import console, say, stage
from tests.demo import report
from tests.demo.airflow import DagRun, TaskInstance, airflow
from tests.demo.store import artifacts, s3, tracking
from tests.demo.system import bring_up
from tests.demo.ui import open_pages

TEAM: Final = "team-a"
DAG: Final = "breast_cancer"
MODEL: Final = "breast-cancer"

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)


@app.command()
def install() -> None:
    """Have the system in place, and run nothing on it."""
    bring_up()


@app.command()
def up() -> None:
    """Have the system in place, run the main job on it, and show what came of it."""
    steps = _Steps()
    bring_up(steps)
    with steps(f"Airflow runs the DAG {DAG}: train three times, evaluate, score"):
        run = _run_job()
    with steps("every artifact is read back from the store"):
        _show(run)
    console.print(report.timings_table(steps.timings))
    report.next_steps()
    if run.state != "success":
        raise ClusterError(f"the DAG run {run.run_id} is {run.state}; see: make ui")


@app.command()
def ui() -> None:
    """Open the way to the pages of MLflow and Airflow."""
    open_pages()


def _run_job() -> DagRun:
    with airflow() as client:
        return client.run(DAG, progress=_Progress())


class _Progress:
    """Says when a task instance changes its state."""

    def __init__(self) -> None:
        self._seen: dict[str, str | None] = {}

    def __call__(self, tasks: Sequence[TaskInstance]) -> None:
        for task in tasks:
            if task.state and self._seen.get(task.name) != task.state:
                say(f"    {task.name}: {task.state}")
                self._seen[task.name] = task.state


def _show(run: DagRun) -> None:
    console.print(report.tasks_table(run))
    with tracking(TEAM) as server, s3() as store:
        runs = server.runs(**{contract.TAG_RUN_ID: run.run_id})
        console.print(report.runs_table(runs))
        found = artifacts(store, f"{TEAM}/{TEAM}/")
        console.print(report.artifacts_table(runs, found))
        model = server.registered_model(MODEL)
        if model is not None:
            console.print(report.model_table(model))


class _Steps:
    """Shows each step as `stage` does, and keeps how long it took."""

    def __init__(self) -> None:
        self.timings: list[tuple[str, float]] = []

    @contextmanager
    def __call__(self, title: str) -> Iterator[None]:
        started = time.monotonic()
        with stage(title):
            yield
        self.timings.append((title, time.monotonic() - started))


def main() -> None:
    """Run the command line; a user's mistake is one sentence, not a stack trace."""
    try:
        app()
    except ClusterError as error:
        console.print(f"[red]error:[/] {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()

"""What the demo prints at its end."""

from collections.abc import Sequence
from typing import Any

from rich.table import Column, Table

from mooring import contract
from tests.cluster.report import console
from tests.demo.airflow import DagRun
from tests.demo.store import Artifact, Run


def runs_table(runs: Sequence[Run]) -> Table:
    """Each run with its task instance."""
    table = Table(
        "task instance", _whole("run"), "status", "verified", _whole("model"), title="Runs"
    )
    for run in runs:
        verified = run.tags.get(contract.TAG_VERIFIED, run.tags.get(contract.TAG_FINDING, "-"))
        table.add_row(
            run.task_instance, run.run_id, run.status, verified, ", ".join(run.models) or "-"
        )
    return table


def artifacts_table(runs: Sequence[Run], artifacts: Sequence[Artifact]) -> Table:
    """Each artifact of the runs with size and digest."""
    owners = {run.run_id: run for run in runs} | {m: run for run in runs for m in run.models}
    columns = ("task instance", _whole("artifact"), "bytes", _whole("SHA-256"))
    table = Table(*columns, title="Artifacts, as read back from the store")
    for artifact in artifacts:
        owner = next((owners[part] for part in artifact.key.split("/") if part in owners), None)
        if owner is not None:
            short = artifact.key.split("/artifacts/", 1)[-1]
            table.add_row(owner.task_instance, short, str(artifact.size), artifact.sha256)
    return table


def model_table(model: dict[str, Any]) -> Table:
    """The registered model with its aliases."""
    table = Table("registered model", "alias", "version", title="Model registry")
    for alias in model.get("aliases", []):
        table.add_row(model["name"], alias["alias"], str(alias["version"]))
    return table


def tasks_table(run: DagRun) -> Table:
    """How long each task instance took."""
    table = Table("task instance", "state", "seconds", title=f"{run.dag_id} {run.run_id}")
    for task in run.tasks:
        seconds = "-" if task.seconds is None else f"{task.seconds:.1f}"
        table.add_row(task.name, task.state or "-", seconds)
    return table


def timings_table(timings: Sequence[tuple[str, float]]) -> Table:
    """How long each stage took."""
    table = Table("stage", "seconds", title="Time")
    for title, seconds in timings:
        table.add_row(title, f"{seconds:.1f}")
    table.add_row("all", f"{sum(seconds for _, seconds in timings):.1f}")
    return table


def next_steps() -> None:
    """How to look around, and how to clean up."""
    console.print("\nThe pages of MLflow and Airflow, for a browser on this machine:  make ui")
    console.print("A shell with kubectl and helm for this cluster:                 make shell")
    console.print("The objects:      make -s kubectl ARGS='get mlwc,mlw,mlb -A'")
    console.print("Clean up:         make demo-down     (and the caches: make clean)")


def _whole(title: str) -> Column:
    """A column whose values are never cut: a person may want to copy them."""
    return Column(title, overflow="fold")

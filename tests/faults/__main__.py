"""`python -m tests.faults`: what `make faults` runs."""

import os
import platform
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer
from rich.table import Table

from tests.cluster.paths import CHECKOUT
from tests.cluster.process import ClusterError
from tests.cluster.report import console, say, stage
from tests.demo.airflow import airflow
from tests.demo.system import bring_up
from tests.e2e.jobs import Jobs, install_dags, remove_dags
from tests.faults.corpus import CONTROLS, FAULTS
from tests.faults.fault import BY_AIRFLOW, Family, Fault
from tests.faults.matrix import Matrix, pods_of
from tests.faults.outside import mend
from tests.faults.playing import Stage
from tests.faults.progress import Progress
from tests.faults.report import page
from tests.faults.scenes import OpenJobs
from tests.faults.verdict import Row, measured_since, merged, write
from tests.faults.world import world

PAGE: Final = CHECKOUT / "docs" / "reliability.md"
EVERY: Final = (*CONTROLS, *FAULTS)


def main(
    only: Annotated[
        list[str] | None, typer.Option(help="A part of a fault's name; may be given again.")
    ] = None,
    family: Annotated[
        list[Family] | None, typer.Option(help="All of a family; may be given again.")
    ] = None,
    resume: Annotated[
        float,
        typer.Option(help="Leave out what came as expected in so many last hours.", min=0),
    ] = 0,
    at_once: Annotated[int, typer.Option(help="How many pods run at the same time.", min=1)] = 10,
) -> None:
    """Play faults, all unless named; write build/bench/faults.json and docs/reliability.*.

    The rows of faults that were not played stay as they were, and those of faults that were are
    written as they come: a run that was ended goes on with --resume. Exit code 1 where a row came
    otherwise than the corpus says, or could not be played.
    """
    chosen = _chosen(only or [], family or [], resume)
    if not chosen:
        raise typer.BadParameter("there is no such fault, or all of them were played already")
    signal.signal(signal.SIGTERM, _as_interrupt)
    bring_up()
    mend()
    say("  workspaces to break …")
    began, rows = time.monotonic(), dict[tuple[str, str], Row]()
    progress = Progress(pods_of(chosen))
    title = f"{len(chosen)} faults, {pods_of(chosen)} pods"
    with _opened(chosen) as jobs, world() as made, stage(title):
        matrix = Matrix(Stage(made, jobs, at_once, progress.ended))
        try:
            for some in matrix.rows(chosen):
                _keep(some)
                rows |= {(each.name, each.way_in): each for each in some}
        finally:
            mend()
    _summarize(list(rows.values()), matrix.unplayed, time.monotonic() - began)
    as_expected = all(each.as_expected for each in rows.values())
    raise typer.Exit(int(bool(matrix.unplayed) or not as_expected))


def _chosen(only: Sequence[str], families: Sequence[Family], resume: float) -> list[Fault]:
    """The faults that are named, all where none is, without those that were played lately."""
    since = datetime.now(UTC) - timedelta(hours=resume)
    done = measured_since(f"{since:%Y-%m-%dT%H:%M:%SZ}") if resume else set()
    return [
        fault
        for fault in EVERY
        if (
            not (only or families)
            or any(part in fault.name for part in only)
            or fault.family in families
        )
        and not {(fault.name, way) for way in fault.expected} <= done
    ]


def _as_interrupt(*_: object) -> None:
    """Have a run that is told to end mend what it broke, as after Ctrl-C."""
    raise KeyboardInterrupt


@contextmanager
def _opened(faults: list[Fault]) -> Iterator[OpenJobs | None]:
    """Airflow, where a fault needs it."""
    if not any(BY_AIRFLOW & set(fault.expected) or fault.scene for fault in faults):
        yield None
        return
    install_dags()
    try:
        yield _jobs
    finally:
        remove_dags()


@contextmanager
def _jobs() -> Iterator[Jobs]:
    with airflow() as client:
        yield Jobs(client)


def _keep(rows: list[Row]) -> None:
    machine = f"{os.cpu_count()} cores, kernel {platform.release()}"
    measured = f"on {datetime.now(UTC):%Y-%m-%d} by `make faults`, {machine}"
    record = merged(rows, [(fault.name, way) for fault in EVERY for way in fault.expected])
    content = {"measured": measured, "faults": record}
    write(content)
    PAGE.write_text(page(content))


def _summarize(rows: list[Row], unplayed: dict[str, str], seconds: float) -> None:
    """What came of all rows, and what came otherwise than the corpus says."""
    unexpected = [each for each in rows if not each.as_expected]
    if unexpected:
        table = Table("fault", "way in", "expected", "told by", "message", title="Not as expected")
        for each in unexpected:
            told = each.told_by or ("kept" if each.kept else "nobody")
            table.add_row(each.name, each.way_in, each.expected, told, each.message[:300])
        console.print(table)
    for name, why in unplayed.items():
        console.print(f"[red]not played:[/] {name}: {why}")
    kept, silent = sum(each.kept for each in rows), sum(each.lost_silently for each in rows)
    say(
        f"{len(rows)} rows in {seconds / 60:.0f} min: {kept} kept, "
        f"{len(rows) - kept - silent} lost and told, {silent} lost silently; "
        f"{len(unexpected)} not as expected, {len(unplayed)} faults not played"
    )


if __name__ == "__main__":
    try:
        typer.run(main)
    except ClusterError as error:
        console.print(f"[red]error:[/] {error}")
        sys.exit(1)

"""`python -m tests.faults`: what `make faults` runs."""

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.table import Table

from tests.cluster.paths import CHECKOUT
from tests.cluster.process import ClusterError
from tests.cluster.report import console, say, stage
from tests.demo.airflow import airflow
from tests.demo.system import bring_up
from tests.e2e.jobs import Jobs, install_dags, remove_dags
from tests.e2e.workspaces import start_operator
from tests.faults.corpus import CONTROLS, FAULTS
from tests.faults.fault import BY_AIRFLOW, Family, Fault
from tests.faults.matrix import Matrix
from tests.faults.report import page
from tests.faults.verdict import BUILD, RECORD, Row, merged, write
from tests.faults.world import world

PAGE: Final = CHECKOUT / "docs" / "reliability.md"


def main(
    only: Annotated[
        list[str] | None, typer.Option(help="A part of a fault's name; may be given again.")
    ] = None,
    family: Annotated[
        list[Family] | None, typer.Option(help="All of a family; may be given again.")
    ] = None,
) -> None:
    """Play faults, all unless named; write build/bench/faults.json and docs/reliability.*.

    The rows of faults that were not played stay as they were.
    """
    chosen = [
        fault
        for fault in (*CONTROLS, *FAULTS)
        if not (only or family)
        or any(part in fault.name for part in only or [])
        or fault.family in (family or [])
    ]
    if not chosen:
        raise typer.BadParameter(f"no fault is called like {only or family}")
    bring_up()
    start_operator()  # one that was killed may have left it stopped
    say("  workspaces to break …")
    rows: list[Row] = []
    with _jobs(chosen) as jobs, world() as made, stage(f"{len(chosen)} faults"):
        for some in Matrix(made, jobs).rows(chosen):
            _keep(some)
            rows += some
    unexpected = [each for each in rows if not each.as_expected]
    _show(unexpected)
    say(f"{len(rows)} pods with Mooring, {sum(r.lost_silently for r in rows)} lost silently")
    raise typer.Exit(int(bool(unexpected)))


@contextmanager
def _jobs(faults: list[Fault]) -> Iterator[Jobs | None]:
    """Airflow, where a fault needs it."""
    if not any(BY_AIRFLOW & set(fault.expected) or fault.scene for fault in faults):
        yield None
        return
    install_dags()
    try:
        with airflow() as client:
            yield Jobs(client)
    finally:
        remove_dags()


def _keep(rows: list[Row]) -> None:
    machine = f"{os.cpu_count()} cores, kernel {platform.release()}"
    measured = f"on {datetime.now(UTC):%Y-%m-%d} by `make faults`, {machine}"
    record = merged(rows, [(f.name, way) for f in (*CONTROLS, *FAULTS) for way in f.expected])
    content = {"measured": measured, "faults": record}
    for path in (BUILD, RECORD):
        write(path, content)
    PAGE.write_text(page(content))


def _show(rows: list[Row]) -> None:
    """What came otherwise than the corpus says."""
    if not rows:
        return
    table = Table("fault", "way in", "expected", "told by", "message", title="Not as expected")
    for each in rows:
        told = each.told_by or ("kept" if each.kept else "nobody")
        table.add_row(each.name, each.way_in, each.expected, told, each.message[:300])
    console.print(table)


if __name__ == "__main__":
    try:
        typer.run(main)
    except ClusterError as error:
        console.print(f"[red]error:[/] {error}")
        sys.exit(1)

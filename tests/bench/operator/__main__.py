"""`make bench-operator`: the numbers of the operator, each beside its floor in the same run.

Writes build/bench/operator.json. `ARGS="--workspaces 30"` is for a quick look.
"""

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from tests.bench.figures import middle
from tests.bench.operator.converge import Converged, converge, floor, written_for_one
from tests.bench.operator.steady import Steady, publish_busy, publish_idle, restart
from tests.bench.operator.system import Stores, system
from tests.cluster.paths import CHECKOUT
from tests.cluster.report import console, say, stage

SHARES: Final = (0.1, 0.3, 1.0)
STORES: Final[tuple[Stores, ...]] = ("answering", "minted")
GOALS: Final = {
    "converge_ratio": 1.5,
    "writes_per_workspace": 10,
    "idle_writes": 0,
    "restart_s": 15,
    "publish_p50_ms": 50,
    "publish_p50_busy_ms": 500,
    "rss_mb": 120,
}


@dataclass(frozen=True, slots=True)
class Row:
    """Some number of workspaces with one kind of stores; the last three only for the most.

    `stores`: "answering" ones answer at once in the operator's process, so that Kubernetes is
    alone; "minted" ones are versitygw and PostgreSQL.
    """

    stores: Stores
    workspaces: int
    operator: Converged
    floor: Converged
    steady: Steady | None
    publish_idle_s: list[float]
    publish_busy_s: list[float]

    @property
    def ratio(self) -> float:
        """The operator's time over the floor's."""
        return self.operator.seconds / self.floor.seconds

    @property
    def writes_per_workspace(self) -> float:
        """From `apply` to Ready; the class's own status is one more in all."""
        return (self.operator.total_writes - 1) / self.workspaces


def main(
    workspaces: Annotated[int, typer.Option(help="How many at most.")] = 1000,
) -> None:
    """Measure everything, print the tables, keep the raw rows."""
    counts = sorted({max(1, round(share * workspaces)) for share in SHARES})
    rows = []
    for stores in STORES:
        for count in counts:
            with stage(f"{count} workspaces, {stores} stores"):
                rows.append(_row(stores, count, steady=count == workspaces))
            _show(rows)
    figures = _figures([row for row in rows if row.workspaces == workspaces])
    _show_figures(figures)
    say(f"raw rows: {_keep(figures, rows)}")


def _row(stores: Stores, count: int, *, steady: bool) -> Row:
    with system(stores) as running:
        running.make_workspaces(count)
        operator = converge(running)
        writes = written_for_one(running)
        again = restart(running) if steady else None
        idle = publish_idle(running) if steady else []
        busy = publish_busy(running) if steady else []
    with system(stores) as running, TemporaryDirectory() as folder:
        running.make_workspaces(count)
        least = floor(running, writes, Path(folder))
    return Row(stores, count, operator, least, again, idle, busy)


def _figures(rows: list[Row]) -> dict[str, float]:
    """The worse of both kinds of stores, whichever that is."""
    steady = [row.steady for row in rows if row.steady]
    return {
        "converge_ratio": round(max(row.ratio for row in rows), 2),
        "writes_per_workspace": max(row.writes_per_workspace for row in rows),
        "idle_writes": max(sum(each.writes.values()) for each in steady),
        "restart_s": round(max(each.restart_s for each in steady), 1),
        "publish_p50_ms": round(max(1000 * middle(row.publish_idle_s) for row in rows), 1),
        "publish_p50_busy_ms": round(max(1000 * middle(row.publish_busy_s) for row in rows), 1),
        "rss_mb": round(max(each.resident_mb for each in steady), 1),
    }


def _show(rows: list[Row]) -> None:
    # CPU: of the operator and of the floor; least: the floor's writes
    head = ("stores", "n", "operator s", "floor s", "ratio", "ms each", "CPU s", "writes", "least")
    table = Table(*head)
    for row in rows:
        table.add_row(
            row.stores,
            str(row.workspaces),
            f"{row.operator.seconds:.1f}",
            f"{row.floor.seconds:.1f}",
            f"{row.ratio:.2f}",
            f"{1000 * row.operator.seconds / row.workspaces:.1f}",
            f"{row.operator.cpu['operator']:.1f} / {row.floor.cpu['floor']:.1f}",
            f"{row.writes_per_workspace:.2f}",
            f"{row.floor.total_writes / row.workspaces:.2f}",
        )
    console.print(table)


def _show_figures(figures: dict[str, float]) -> None:
    table = Table("figure", "measured", "goal", "reached")
    for name, value in figures.items():
        table.add_row(name, str(value), str(GOALS[name]), "yes" if value <= GOALS[name] else "no")
    console.print(table)


def _keep(figures: dict[str, float], rows: list[Row]) -> Path:
    path = CHECKOUT / "build" / "bench" / "operator.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    machine = {"cores": os.cpu_count(), "kernel": platform.release(), "load": os.getloadavg()}
    document: dict[str, Any] = {**figures, "machine": machine, "rows": [asdict(r) for r in rows]}
    path.write_text(json.dumps(document, indent=2) + "\n")
    return path


if __name__ == "__main__":
    typer.run(main)

"""A figure, what it is compared with, and how both are shown and kept."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from rich.table import Table

from tests.cluster.paths import CHECKOUT
from tests.cluster.report import console


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure: `floor` is what it is held against in the same run, `goal` its limit."""

    name: str
    unit: str
    measured: float
    floor: float | None
    floor_is: str
    goal: float
    raw: dict[str, list[float]] = field(default_factory=dict)

    @property
    def reached(self) -> bool:
        """Whether the goal was reached."""
        return self.measured <= self.goal


def middle(values: Sequence[float]) -> float:
    """The median: what a person meets, whatever the machine did once."""
    return float(median(values))


def show(figures: Sequence[Figure]) -> None:
    """Print the figures as a table."""
    table = Table("figure", "measured", "goal", "reached", "beside it, in the same run")
    for figure in figures:
        beside = "" if figure.floor is None else f"{figure.floor:.3g} {figure.unit}: "
        table.add_row(
            figure.name,
            f"{figure.measured:.3g} {figure.unit}",
            f"{figure.goal:.3g} {figure.unit}",
            "yes" if figure.reached else "no",
            f"{beside}{figure.floor_is}",
        )
    console.print(table)


def keep(figures: Sequence[Figure], name: str, named: Mapping[str, float] | None = None) -> Path:
    """Write the figures with their raw rows below build/bench/, `named` ones on top; the file."""
    path = CHECKOUT / "build" / "bench" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    machine = {"cores": os.cpu_count(), "kernel": platform.release(), "load": os.getloadavg()}
    rows = [asdict(figure) for figure in figures]
    document = {**(named or {}), "machine": machine, "figures": rows}
    path.write_text(json.dumps(document, indent=2) + "\n")
    return path

"""What the operator found lost or elsewhere in a workspace: `status.findings`, for reading."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from mooring.cli.doctor.facts import blanked
from mooring.cli.tables import NONE, console, printable, show, table


@dataclass(frozen=True, slots=True)
class Loss:
    """A run, or an experiment where `run` is None; `detail` is the model, or where it lies."""

    experiment: str
    run: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class Kind:
    """The losses of one type: how many, and the newest of them."""

    type: str
    count: int
    newest: tuple[Loss, ...]


@dataclass(frozen=True, slots=True)
class Losses:
    """All that is known to be lost or elsewhere."""

    total: int
    types: tuple[Kind, ...]


def losses_of(workspace: Mapping[str, Any]) -> Losses | None:
    """What the status of `workspace` says; None where it says nothing."""
    found = (workspace.get("status") or {}).get("findings")
    if found is None:
        return None
    kinds = (
        Kind(
            kind["type"],
            kind["count"],
            tuple(
                Loss(loss["experiment"], loss.get("run"), blanked(loss["detail"]))
                for loss in kind["newest"]
            ),
        )
        for kind in found.get("types") or []
    )
    return Losses(found["total"], tuple(kinds))


def show_losses(losses: Losses) -> None:
    """A table of the newest of each type, and how many there are besides."""
    out = console()
    if not losses.total:
        out.print("nothing is lost or elsewhere")
        return
    made = table("TYPE", "EXPERIMENT", "RUN", "MODEL OR PLACE")
    for kind in losses.types:
        for loss in kind.newest:
            words = (kind.type, loss.experiment, loss.run or NONE, loss.detail)
            made.add_row(*(Text(printable(word)) for word in words))
    show(made)
    for kind in losses.types:
        more = kind.count - len(kind.newest)
        if more:
            out.print(f"and {more} older of {kind.type}")
    out.print("\nWhat each type means, and what to do: docs/operations.md, Findings.")

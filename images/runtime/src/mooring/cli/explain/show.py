"""Outcomes for people."""

from collections.abc import Iterable
from typing import Final

from rich.text import Text

from mooring.cli.explain.outcome import Outcome, Result
from mooring.cli.tables import console, printable, show, table

WORDS: Final = {
    Result.BOUND: "gets binding",
    Result.LEFT_ALONE: "is left alone",
    Result.NOT_BOUND: "is NOT bound",
    Result.REFUSED: "is REFUSED",
}


def show_outcomes(outcomes: Iterable[Outcome]) -> None:
    """For each template a sentence, and what would be added where."""
    out = console()
    for outcome in outcomes:
        message = f": {outcome.message}" if outcome.message else ""
        words = f"{WORDS[outcome.result]} {outcome.binding}".rstrip()
        style = "" if outcome.good else "red"
        subject = f"{outcome.subject} in namespace {outcome.namespace}"
        out.print(Text(printable(f"{subject} {words}{message}"), style=style))
        if outcome.added:
            made = table("WHERE", "ADDED")
            for addition in outcome.added:
                made.add_row(Text(printable(addition.path)), Text(printable(addition.added)))
            show(made, indent=2)

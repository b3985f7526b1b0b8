"""Tables for people."""

import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mooring.cli.state import Binding, Readiness, State, Unread, Workspace

PIPED_WIDTH: Final = 200
"""Where there is no terminal, sentences that are longer go on in the next line."""

TABLE_WIDTH: Final = 10_000

UNKNOWN: Final = "?"
NONE: Final = "-"
_STYLES: Final = {"True": "green", "False": "red", "Unknown": "yellow"}
_UNITS: Final = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_NAMED: Final = 3


def console(*, error: bool = False) -> Console:
    """Where a command writes: standard output, or standard error for what is no answer."""
    stream = sys.stderr if error else sys.stdout
    told = stream.isatty() or "COLUMNS" in os.environ
    return Console(stderr=error, highlight=False, width=None if told else PIPED_WIDTH)


def show_state(state: State, now: datetime) -> None:
    """Two tables, of workspaces and of bindings, and below them why any is not ready.

    Times are told as ages at `now`.
    """
    if state.workspaces:
        show(_workspaces(state.workspaces, now))
    if state.workspaces and state.bindings:
        console().print()
    if state.bindings:
        show(_bindings(state.bindings))
    for kind, rows in (("workspace", state.workspaces), ("binding", state.bindings)):
        for row in rows:
            if not row.ready.holds:
                why = f"{row.ready.reason}: {row.ready.message}"
                told = f"\n{kind} {row.namespace}/{row.name} is not ready: {why}"
                console().print(Text(printable(told)))


def show(made: Table, indent: int = 0) -> None:
    """Print a table whole: a terminal that is too narrow breaks its lines, as kubectl's."""
    wide = Console(highlight=False, width=TABLE_WIDTH)
    wide.print(Padding(made, (0, 0, 0, indent), expand=False))


def show_unread(unread: Sequence[Unread]) -> None:
    """On standard error what may not be read, one sentence for each kind."""
    for what in dict.fromkeys(note.what for note in unread):
        notes = [note for note in unread if note.what == what]
        where = [note.namespace for note in notes if note.namespace]
        more = f" and {len(where) - _NAMED} more" if len(where) > _NAMED else ""
        places = f" in {', '.join(where[:_NAMED])}{more}" if where else ""
        tell(f"may not be read: {what}{places}: {notes[0].why}")


def tell(sentence: str) -> None:
    """A sentence on standard error."""
    console(error=True).print(Text(printable(sentence)))


def age(then: str | None, now: datetime) -> str:
    """How long ago the RFC 3339 time `then` was, in its largest unit, as kubectl says it."""
    if not then:
        return NONE
    seconds = max(0, int((now - datetime.fromisoformat(then).astimezone(UTC)).total_seconds()))
    unit = next((unit for unit, size in _UNITS.items() if seconds >= size), "s")
    return f"{seconds // _UNITS[unit]}{unit}"


def printable(text: str) -> str:
    """`text` without what a terminal would take as a command."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "�" for sign in text)


def table(*columns: str) -> Table:
    """A table as kubectl makes it, without lines."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        made.add_column(name, no_wrap=True)
    return made


def _workspaces(rows: Iterable[Workspace], now: datetime) -> Table:
    made = table(
        "NAMESPACE", "WORKSPACE", "READY", "PROVEN", "CREDENTIALS", "PODS", "FINDINGS"
    )  # fmt: skip
    for row in rows:
        ages = (age(row.proven, now), age(row.credentials, now))
        counts = (_count(row.pods), _count(row.findings))
        made.add_row(row.namespace, row.name, _ready(row.ready), *ages, *counts)
    return made


def _bindings(rows: Iterable[Binding]) -> Table:
    made = table("NAMESPACE", "BINDING", "READY", "WORKSPACE", "PODS")
    for row in rows:
        place = (row.namespace, row.name)
        made.add_row(*place, _ready(row.ready), row.workspace, _count(row.pods))
    return made


def _ready(ready: Readiness) -> Text:
    return Text(ready.status, style=_STYLES.get(ready.status, ""))


def _count(known: int | None) -> str:
    return UNKNOWN if known is None else str(known)

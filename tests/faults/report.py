"""docs/reliability.md, made of the record of a run of the matrix and of `page.md`."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any, Final

TEXT: Final = Path(__file__).with_name("page.md")
LONGEST: Final = 170
"""Of a message in the table: what was found. All of it stands in the record."""

HOLES: Final = """\
## What is still lost silently with Mooring

Each of these is in the training's own process or container, where nothing but the process itself
can see it. `MlflowPodOperator` tells of all of them after the pod; `MOORING_STRICT=1` of those in
which MLflow itself warns, and of runs that the code sends elsewhere.
"""

FAMILIES: Final = {
    "control": "Nothing is wrong",
    "uri": "The URI is lost",
    "credential": "The credential is lost",
    "identity": "The identity is lost",
    "platform": "A part of the platform fails",
}


def page(record: Mapping[str, Any]) -> str:
    """The whole page."""
    rows = record["faults"]
    tables = [
        _family(title, [r for r in rows if r["family"] == f]) for f, title in FAMILIES.items()
    ]
    silent = [row for row in rows if row["lost_silently"]]
    return Template(TEXT.read_text()).substitute(
        summary=_summary(rows, record["measured"]),
        tables="\n".join(filter(None, tables)),
        holes=HOLES + "\n" + _listed(silent) if silent else "",
    )


def _summary(every: Sequence[Mapping[str, Any]], measured: str) -> str:
    rows = [row for row in every if row["family"] != "control"]
    peers = {row["name"]: row["peer"] for row in rows}
    lines = [
        "## In short",
        "",
        f"Measured {measured}.",
        "",
        "| | pods | not kept | of that lost silently |",
        "|---|---|---|---|",
        _counted(f"with Mooring ({len(peers)} faults by {_ways(rows)} ways in)", rows),
        _counted("without Mooring (once for each fault)", list(peers.values())),
        "",
    ]
    return "\n".join(lines)


def _ways(rows: Sequence[Mapping[str, Any]]) -> int:
    return len({row["way_in"] for row in rows})


def _counted(what: str, found: Sequence[Mapping[str, Any]]) -> str:
    lost = sum(not each["kept"] for each in found)
    silent = sum(each["lost_silently"] for each in found)
    return f"| {what} | {len(found)} | {lost} | **{silent}** |"


def _family(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    head = "| fault | way in | told by | after s | message | without Mooring |"
    return "\n".join([f"## {title}", "", head, f"|{'---|' * 6}", *map(_line, rows), ""])


def _line(row: Mapping[str, Any]) -> str:
    cells = (
        row["name"], row["way_in"], _teller(row), _seconds(row["told_after_s"]),
        _message(row), _peer(row["peer"]),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _teller(row: Mapping[str, Any]) -> str:
    if row["lost_silently"]:
        return "**nobody**"
    return str(row["told_by"] or "nothing is lost")


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def _message(row: Mapping[str, Any]) -> str:
    return _cell(row["message"]) if row["told_by"] else ""


def _peer(peer: Mapping[str, Any]) -> str:
    if peer["kept"]:
        return "nothing is lost"
    if peer["lost_silently"]:
        return "**lost silently**"
    after = "" if peer["told_after_s"] is None else f" after {_seconds(peer['told_after_s'])} s"
    return f"told{after}: {_cell(peer['message'], 90)}"


def _cell(text: str, longest: int = LONGEST) -> str:
    short = text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"
    for mark in ("|", "<", "*", "_", "`"):
        short = short.replace(mark, f"\\{mark}")
    return short


def _listed(rows: Iterable[Mapping[str, Any]]) -> str:
    return "".join(f"- {row['name']}: {row['way_in']}\n" for row in rows)

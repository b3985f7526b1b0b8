"""The row of a case: what was lost, who told of it, and whether that is what was expected. Pure."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from tests.cluster.paths import CHECKOUT
from tests.faults.fault import KEPT, SILENT
from tests.faults.pods import Case
from tests.faults.seen import End

RECORD: Final = CHECKOUT / "docs" / "reliability.json"
"""The rows that docs/reliability.md is made of."""
BUILD: Final = CHECKOUT / "build" / "bench" / "faults.json"


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one pod: whether all of it was kept, and who told whom after how long."""

    kept: bool
    lost_silently: bool
    told_by: str
    told_after_s: float | None
    message: str


@dataclass(frozen=True, slots=True)
class Row:
    """A fault by one way in, and the same fault without Mooring."""

    name: str
    family: str
    way_in: str
    expected: str
    as_expected: bool
    kept: bool
    lost_silently: bool
    told_by: str
    told_after_s: float | None
    message: str
    peer: Seen
    measured: str = field(default_factory=_now)


def seen(end: End, *, kept: bool) -> Seen:
    """What a pod's end and the look from outside say together."""
    told = bool(end.told_by)
    return Seen(
        kept=kept,
        lost_silently=not kept and not told,
        told_by=end.told_by,
        told_after_s=round(end.seconds, 1) if told else None,
        message=end.message,
    )


def row(case: Case, mine: Seen, peer: Seen) -> Row:
    """The row of a case with Mooring."""
    assert case.way is not None
    expected = case.fault.expected[case.way]
    return Row(
        name=case.fault.name,
        family=case.fault.family,
        way_in=case.way,
        expected=expected,
        as_expected=is_expected(mine, expected),
        **asdict(mine),
        peer=peer,
    )


def is_expected(found: Seen, expected: str) -> bool:
    """Whether it came as the corpus says."""
    if expected == KEPT:
        return found.kept and not found.told_by
    if expected == SILENT:
        return found.lost_silently
    return bool(found.told_by) and expected in found.message


def merged(rows: Sequence[Row], order: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """`rows`, and those of the record that were not measured anew, in `order`; no others."""
    every = [*recorded()["faults"], *(asdict(each) for each in rows)]
    by_key = {(each["name"], each["way_in"]): each for each in every}
    return [by_key[key] for key in order if key in by_key]


def recorded() -> dict[str, Any]:
    """The record as it is now."""
    content: dict[str, Any] = json.loads(RECORD.read_text()) if RECORD.exists() else {"faults": []}
    return content


def measured_since(moment: str) -> set[tuple[str, str]]:
    """Name and way in of the rows that were measured after a moment, and came as expected."""
    return {
        (each["name"], each["way_in"])
        for each in recorded()["faults"]
        if each["as_expected"] and each["measured"] >= moment
    }


def write(content: dict[str, Any]) -> None:
    """Write the record, to both of its places."""
    for path in (BUILD, RECORD):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")

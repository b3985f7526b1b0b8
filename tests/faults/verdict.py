"""The row of a case: what was lost, who told of it, and whether that is what was expected. Pure."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from tests.cluster.paths import CHECKOUT
from tests.faults.fault import KEPT, SILENT
from tests.faults.pods import Case
from tests.faults.seen import End

RECORD: Final = CHECKOUT / "docs" / "reliability.json"
"""The rows that docs/reliability.md is made of."""
BUILD: Final = CHECKOUT / "build" / "bench" / "faults.json"


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
    known = json.loads(RECORD.read_text())["faults"] if RECORD.exists() else []
    every = [*known, *(asdict(each) for each in rows)]
    by_key = {(each["name"], each["way_in"]): each for each in every}
    return [by_key[key] for key in order if key in by_key]


def write(path: Path, content: dict[str, Any]) -> None:
    """Write a record."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")

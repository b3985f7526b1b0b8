"""Evidence for people."""

from collections.abc import Sequence

from rich.text import Text

from mooring.cli.tables import NONE, console, printable, show, table
from mooring.cli.verify.evidence import Evidence, Problem


def show_evidence(evidence: Evidence, problems: Sequence[Problem]) -> None:
    """Every file with its size and digest, then what did not land."""
    out = console()
    made = table("OF", "SIZE", "SHA256", "FILE")
    for part in evidence.parts:
        for file in part.files:
            size = NONE if file.size is None else str(file.size)
            words = (part.name, size, file.sha256 or NONE, file.path)
            made.add_row(*(Text(printable(word)) for word in words))
    if made.row_count:
        show(made)
        out.print()
    for problem in problems:
        out.print(Text(printable(f"{problem.reason}: {problem.message}"), style="red"))
    if not problems:
        out.print(Text(f"run {evidence.run} is {evidence.status}, and all of this is there"))

"""A diagnosis for people."""

from typing import Final

from rich.padding import Padding
from rich.text import Text

from mooring.cli.doctor.diagnosis import Diagnosis
from mooring.cli.doctor.finding import Failure
from mooring.cli.tables import console, printable

WORDS: Final = {
    Failure.URI: "the tracking URI is lost",
    Failure.CREDENTIALS: "the credentials are lost",
    Failure.IDENTITY: "the identity of the run is lost",
    Failure.OTHER: "none of URI, credentials and identity; something else is wrong",
}
"""The three failures of the README, in words."""


def show_diagnosis(found: Diagnosis) -> None:
    """Which failure it is, then each finding with what to do, then what is well."""
    out = console()
    verdict = WORDS[found.failure] if found.failure else "nothing is wrong that can be seen"
    style = "red" if found.failure else "green"
    out.print(Text(f"{found.subject}: "), Text(verdict, style=style), sep="")
    for ailment in found.ailments:
        out.print(Text(f"\n[{ailment.failure}] {ailment.reason}", style="bold"))
        out.print(_indented(ailment.evidence))
        if ailment.fix:
            out.print(_indented(f"-> {ailment.fix}"))
    if found.well:
        out.print(Text(f"\nseen: {printable('; '.join(found.well))}"))


def _indented(text: str) -> Padding:
    return Padding(Text(printable(text)), (0, 0, 0, 2), expand=False)

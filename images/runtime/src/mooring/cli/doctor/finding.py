"""What the doctor finds, and which of the guard's reasons is which failure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mooring.guard.reasons import Reason


class Failure(StrEnum):
    """The three ways in which runs and artifacts get lost, and all else."""

    URI = "uri"
    CREDENTIALS = "credentials"
    IDENTITY = "identity"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Ailment:
    """One thing that is wrong: a CamelCase reason, what was found, and what to do about it.

    `fix` is empty where `evidence` has it.
    """

    failure: Failure
    reason: str
    evidence: str
    fix: str = ""


_LOGINS: Final = (Reason.LOGIN_REFUSED, Reason.LOGIN_INVALID)


def failure_of(reason: str) -> Failure:
    """Which failure a reason of the guard is; OTHER for a word that is none."""
    known = next((each for each in Reason if each == reason), None)
    if known is None or known is Reason.GUARD_FAILED:
        return Failure.OTHER
    return Failure.CREDENTIALS if known in _LOGINS or known.code >= 40 else Failure.URI

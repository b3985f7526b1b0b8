"""What a tracking server has of a run, and what is wrong with that. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

FINISHED: Final = "FINISHED"
READY: Final = "LOGGED_MODEL_READY"


@dataclass(frozen=True, slots=True)
class File:
    """An artifact: `size` as it is listed; `read` and `sha256` of what came back.

    Both are None where it was not read; `error` says why not, where that was not wanted.
    """

    path: str
    size: int | None
    read: int | None = None
    sha256: str | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """The artifacts of the run itself, or of a model that it logged.

    `status` is the model's, empty for the run; `error` says why they could not be listed.
    """

    name: str
    status: str
    files: tuple[File, ...]
    error: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A run with all that it logged."""

    run: str
    status: str
    artifact_root: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that did not land: a CamelCase reason, and a sentence."""

    reason: str
    message: str


def problems_of(evidence: Evidence) -> tuple[Problem, ...]:
    """All that is wrong, the run first."""
    return tuple(_problems(evidence))


def _problems(evidence: Evidence) -> Iterator[Problem]:
    if evidence.status != FINISHED:
        yield Problem("RunNotFinished", f"the run is {evidence.status}, not {FINISHED}.")
    for part in evidence.parts:
        yield from _of_part(part)
    if not any(part.status or part.files or part.error for part in evidence.parts):
        yield Problem("NothingLogged", "the run has no artifact and no model.")


def _of_part(part: Part) -> Iterator[Problem]:
    if part.error:
        yield Problem("NotListed", f"the artifacts of {part.name} cannot be listed: {part.error}")
    if part.status not in {"", READY}:
        yield Problem(
            "ModelNotReady",
            f"{part.name} is {part.status}: its upload failed or never ended. Log it again.",
        )
    elif part.status and not part.files and not part.error:
        yield Problem("ModelMissing", f"{part.name} is READY, and no file of it is there.")
    for file in part.files:
        if file.error:
            yield Problem("NotReadable", f"{file.path} of {part.name} cannot be read: {file.error}")
        elif file.read is not None and file.size is not None and file.read != file.size:
            yield Problem(
                "SizeDiffers",
                f"{file.path} of {part.name} is listed with {file.size} bytes, and {file.read} "
                "came back.",
            )

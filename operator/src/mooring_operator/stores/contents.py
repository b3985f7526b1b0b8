"""What a workspace has at a store and on a database server, for its end: to count and to remove.

Every method raises `errors.StoreError` and nothing else, and may run twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Objects:
    """How many objects there are, and their bytes; both at least, unless `all` were counted."""

    count: int
    bytes: int
    all: bool


def counted(pages: Iterable[tuple[list[int], bool]], limit: int) -> Objects:
    """The objects of `pages`, up to the page with which `limit` is reached.

    A page is the bytes of each of its objects, and whether another page follows.
    """
    count = size = 0
    for sizes, more in pages:
        count, size = count + len(sizes), size + sum(sizes)
        if more and count >= limit:
            return Objects(count, size, all=False)
    return Objects(count, size, all=True)


class ArtifactData(Protocol):
    """The artifacts of one workspace, below its prefix or in its container, and no others."""

    def measure(self, limit: int) -> Objects:
        """Count the objects, and stop after the page with which `limit` is reached."""

    def remove(self) -> int:
        """Remove objects, about a thousand at most; how many. 0 when there is none left."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has not ended; `started` is in milliseconds since 1970, as MLflow keeps it."""

    id: str
    experiment: str
    started: int


@dataclass(frozen=True, slots=True)
class Records:
    """How many experiments and runs a database has, deleted ones too.

    `in_flight` counts the runs that have not ended, `newest` are the last of those to start.
    """

    experiments: int
    runs: int
    in_flight: int
    newest: tuple[Run, ...]


class DatabaseData(Protocol):
    """The database of one workspace."""

    def read(self, since: int) -> Records | None:
        """What is in it; None when there is no database, or none that MLflow has been in.

        A run that started before `since` (milliseconds since 1970) is not in flight.
        """

    def remove(self) -> None:
        """Drop the database, its copies, and the roles that own it; logins must be gone."""

"""The removal of data in slices, and what is told of it."""

from dataclasses import dataclass

import pytest

from mooring_operator.api.lifecycle import DeletionStatus
from mooring_operator.plan.deletion import deleting, listed
from mooring_operator.reconcile.removal import remove_for
from mooring_operator.stores.contents import Objects

FOUND = DeletionStatus(asked="2026-11-21T12:00:00Z", policy="Delete")


@dataclass
class Pages:
    """Objects in memory, for as many calls as there are pages."""

    left: int

    def measure(self, limit: int) -> Objects:  # noqa: ARG002 (of the protocol)
        """See `ArtifactData.measure`."""
        return Objects(self.left * 1000, 0, all=True)

    def remove(self) -> int:
        """See `ArtifactData.remove`."""
        if not self.left:
            return 0
        self.left -= 1
        return 1000


@pytest.mark.parametrize(("seconds", "removed", "done"), [(0.0, 1000, False), (60.0, 3000, True)])
def test_a_slice_ends_with_its_time_or_with_the_objects(
    seconds: float, removed: int, done: bool
) -> None:
    assert remove_for(Pages(3), seconds) == (removed, done)


def test_slices_come_to_an_end() -> None:
    pages, slices = Pages(3), 1
    while not remove_for(pages, 0.0)[1]:
        slices += 1
    assert slices == 4, "the last one finds that nothing is left"


def test_a_list_holds_for_the_deletion_that_asked_for_it() -> None:
    live = {"metadata": {"deletionTimestamp": FOUND.asked}, "status": {}}
    assert listed(live) is None
    found = {"status": {"deletion": FOUND.model_dump(by_alias=True, exclude_none=True)}}
    assert listed(live | found) == FOUND
    assert listed(found | {"metadata": {"deletionTimestamp": "2026-11-21T12:00:01Z"}}) is None


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "what goes is nothing but credentials."),
        ({"artifacts": "s3://b/p"}, "what goes is s3://b/p."),
        ({"artifacts": "s3://b/p", "objects": 5, "bytes": 9}, "s3://b/p with 5 objects of 9 bytes"),
        ({"artifacts": "s3://b/p", "objects": 5, "bytes": 9, "more": True}, "with at least 5 obj"),
        ({"database": "d", "runs": 0}, "what goes is database d with 0 runs."),
        ({"artifacts": "s3://b/p", "database": "d"}, "s3://b/p and database d."),
        ({"removed": 4000}, "Objects gone so far: 4000."),
    ],
)
def test_what_is_told(more: dict[str, object], told: str) -> None:
    assert told in deleting(FOUND.model_copy(update=more)).message

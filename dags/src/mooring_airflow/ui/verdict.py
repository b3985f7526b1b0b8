"""What is to be said of a task instance's MLflow runs: pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from mooring import contract
from mooring_airflow.evidence import RUNNING, Run
from mooring_airflow.ui.records import Task

NOT_RUN: Final = frozenset({"skipped", "upstream_failed", "removed"})
ENDED: Final = frozenset({"success", "failed"})


class Kind(IntEnum):
    """How a task instance's run ended; the order is that of the page, what needs a person first."""

    LOST = 0
    FAILED = 1
    UNVERIFIED = 2
    GOING_ON = 3
    VERIFIED = 4
    NOT_RUN = 5


WORDS: Final = {
    Kind.LOST: "Lost",
    Kind.FAILED: "Failed",
    Kind.UNVERIFIED: "Not verified",
    Kind.GOING_ON: "In progress",
    Kind.VERIFIED: "Verified",
    Kind.NOT_RUN: "Not run",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The kind, and a sentence that says why; empty where the kind says it all."""

    kind: Kind
    why: str = ""

    @property
    def words(self) -> str:
        """The kind as a person reads it."""
        return WORDS[self.kind]


def verdict_of(task: Task, runs: Sequence[Run] | None) -> Verdict:
    """What is to be said of `task`, whose `runs` the tracking server has; None where it is unknown.

    A reference is proof that there was a verified run: `MlflowPodOperator` hands it on after it has
    looked. The server says whether it still is there.
    """
    if task.state in NOT_RUN:
        return Verdict(Kind.NOT_RUN, f"Airflow says {task.state}.")
    mine = [run for run in runs or () if of_this_try(run, task)]
    left = next((run for run in mine if run.status == RUNNING), None)
    if task.state in ENDED and left is not None:
        return Verdict(Kind.LOST, f"The task has ended, and its run {left.name} says RUNNING.")
    if task.state in ("failed", "up_for_retry"):
        return Verdict(Kind.FAILED, _why_failed(task, mine))
    if task.state != "success":
        return Verdict(Kind.GOING_ON)
    return _of_success(task, mine, known=runs is not None)


def of_this_try(run: Run, task: Task) -> bool:
    """Whether the latest try of `task` made `run`."""
    return run.tags.get(contract.TAG_TRY_NUMBER, "") in ("", str(task.try_number))


def _why_failed(task: Task, mine: Sequence[Run]) -> str:
    found = next(filter(None, (run.tags.get(contract.TAG_FINDING) for run in mine)), "")
    ended = f"Try {task.try_number} failed: {found}." if found else f"Try {task.try_number} failed."
    after = (
        "Airflow will try again."
        if task.state == "up_for_retry"
        else "The task's log says what was lost, and why."
    )
    return f"{ended} {after}"


def _of_success(task: Task, mine: Sequence[Run], *, known: bool) -> Verdict:
    handed_on = task.reference.get("run_id")
    if handed_on and known and all(run.run_id != handed_on for run in mine):
        return Verdict(
            Kind.LOST,
            f"Run {handed_on} was verified when the task ended, and the tracking server no longer "
            "has it.",
        )
    if handed_on:
        return Verdict(Kind.VERIFIED)
    if any(run.tags.get(contract.TAG_VERIFIED) == "true" for run in mine):
        return Verdict(
            Kind.VERIFIED, "Its tag says so: the task's XCom is gone, or kept elsewhere."
        )
    if known and not mine:
        return Verdict(
            Kind.UNVERIFIED,
            "The tracking server has no run of it. That is right for a pod that only reads.",
        )
    return Verdict(
        Kind.UNVERIFIED,
        "The task handed on no verified run. Only MlflowPodOperator verifies what landed.",
    )

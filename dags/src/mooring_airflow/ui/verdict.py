"""What is to be said of a task instance's MLflow run: pure, from what Airflow recorded."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from mooring_airflow.ui.records import Task

NOT_RUN: Final = frozenset({"skipped", "upstream_failed", "removed"})


class Kind(IntEnum):
    """How a task instance's run ended; the order is that of the page, what needs a person first."""

    FAILED = 0
    UNVERIFIED = 1
    GOING_ON = 2
    VERIFIED = 3
    NOT_RUN = 4


WORDS: Final = {
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


def verdict_of(task: Task) -> Verdict:
    """What Airflow's records say of `task`.

    A reference is proof: `MlflowPodOperator` hands it on after it has verified the run.
    """
    if task.state in NOT_RUN:
        return Verdict(Kind.NOT_RUN, f"Airflow says {task.state}.")
    tried = f"Try {task.try_number} failed"
    if task.state == "failed":
        return Verdict(Kind.FAILED, f"{tried}. The task's log says what was lost, and why.")
    if task.state == "up_for_retry":
        return Verdict(Kind.FAILED, f"{tried}; Airflow will try again.")
    if task.state != "success":
        return Verdict(Kind.GOING_ON)
    if not task.reference:
        return Verdict(
            Kind.UNVERIFIED,
            "The task handed on no verified run. Only MlflowPodOperator verifies what landed.",
        )
    return Verdict(Kind.VERIFIED)

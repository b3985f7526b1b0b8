"""What is told of a pod that its guard did not let start."""

from typing import Any

import pytest

from mooring.contract import GUARD_CONTAINER
from mooring_operator.plan.refusal import refusal_of

EMPTY = "TrackingUriEmpty: MLFLOW_TRACKING_URI is empty. Remove it from the container's env."


def pod(name: str = GUARD_CONTAINER, *, code: int = 11, **ended: str) -> dict[str, Any]:
    status = {"name": name, "state": {"terminated": {"exitCode": code, **ended}}}
    return {"metadata": {"name": "train"}, "status": {"initContainerStatuses": [status]}}


def test_it_is_what_the_guard_said() -> None:
    told = refusal_of(pod(message=f"{EMPTY}\n"))
    assert told == f"the guard did not let the pod start: {EMPTY}"


def test_without_a_word_it_is_the_exit_code() -> None:
    assert "exit code 137 (docs/guard.md)" in refusal_of(pod(code=137, reason="OOMKilled"))


def test_what_another_program_wrote_is_not_told() -> None:
    told = refusal_of(pod(message=f"password: hunter2\n{EMPTY}"))
    assert "hunter2" not in told
    assert told.endswith(EMPTY)


@pytest.mark.parametrize(
    "other",
    [pod(code=0, message=EMPTY), pod("fetch-data", message=EMPTY), {"metadata": {}, "status": {}},
     {"metadata": {}}],
)  # fmt: skip
def test_of_other_pods_nothing_is_told(other: dict[str, Any]) -> None:
    assert refusal_of(other) == ""

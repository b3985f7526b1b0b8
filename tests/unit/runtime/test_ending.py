"""How a pod ended, where the reaper does not look: before it has. The rest: test_reaping.py."""

from typing import Any

import pytest

from mooring.ending import GONE, Ending, ending_of

MISSING = {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}


def pod(phase: str, *states: dict[str, Any]) -> dict[str, Any]:
    names = ("base", "airflow-xcom-sidecar")
    told = [{"name": n, "state": s} for n, s in zip(names, states, strict=False)]
    return {"metadata": {"name": "train"}, "status": {"phase": phase, "containerStatuses": told}}


@pytest.mark.parametrize(
    ("live", "ending"),
    [
        (pod("Pending", {"waiting": MISSING}),
         Ending("FAILED", "ImagePullBackOff: Back-off pulling image")),
        (pod("Running", {"terminated": {"exitCode": 3}}, {"running": {}}),
         Ending("FAILED", "container base ended with exit code 3")),
        # What a task leaves that gives up waiting: its pod is deleted next.
        (pod("Running", {"running": {}}), GONE),
        (pod("Pending", {"waiting": {"reason": "ContainerCreating"}}), GONE),
        (pod("Pending"), GONE),
    ],
)  # fmt: skip
def test_a_pod_that_has_not_ended_is_about_to_be_deleted(
    live: dict[str, Any], ending: Ending
) -> None:
    assert ending_of(live) == ending

"""A run whose pod was killed does not say RUNNING for ever, whoever started the pod."""

import uuid
from collections.abc import Iterator
from typing import Any, Final

import pytest

from mooring import contract
from tests.cluster.process import wait_until
from tests.demo.cluster import apply, kubectl
from tests.demo.store import Run, tracking
from tests.e2e.jobs import script
from tests.e2e.workspaces import operator_needed, training_image

TEAM: Final = "team-a"
LIMIT: Final = "600Mi"


@pytest.fixture(scope="module")
def runs(system: None) -> Iterator[dict[str, Run]]:
    """What became of the run of a pod that took too much memory, and of one that was deleted."""
    name = f"e2e-{uuid.uuid4().hex[:8]}"
    filled, deleted = f"{name}-filled", f"{name}-deleted"
    try:
        with operator_needed(), tracking(TEAM) as server:
            apply(_pod(filled, "--fill"), _pod(deleted))
            wait_until(
                lambda: deleted in {run.name for run in server.runs()}, f"the run of pod {deleted}"
            )
            kubectl("delete", "pod", "-n", TEAM, deleted, "--force", "--grace-period=0")

            def closed() -> dict[str, Run]:
                of = {run.name: run for run in server.runs() if run.status != "RUNNING"}
                return of if {filled, deleted} <= of.keys() else {}

            found = wait_until(closed, "both runs to be closed")
            yield {"filled": found[filled], "deleted": found[deleted]}
    finally:
        kubectl("delete", "pod", "-n", TEAM, filled, deleted, "--ignore-not-found", "--wait=false")


def test_out_of_memory_is_told_with_the_limit(runs: dict[str, Run]) -> None:
    assert runs["filled"].status == "FAILED"
    assert runs["filled"].tags[contract.TAG_FINDING] == f"OOMKilled, limit {LIMIT}"


def test_a_pod_that_was_deleted_was_killed(runs: dict[str, Run]) -> None:
    assert runs["deleted"].status == "KILLED"
    assert "deleted" in runs["deleted"].tags[contract.TAG_FINDING]


def _pod(name: str, *arguments: str) -> dict[str, Any]:
    container = {
        "name": "train",
        "image": training_image(),
        "command": ["python", "-c", script("die_in_run"), name, *arguments],
        "resources": {"limits": {"memory": LIMIT}, "requests": {"memory": LIMIT}},
    }
    labels = {contract.BINDING_LABEL: TEAM}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": TEAM, "labels": labels},
        "spec": {"containers": [container], "restartPolicy": "Never"},
    }

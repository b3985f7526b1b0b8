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
from tests.e2e.scenarios import TRAINING_S
from tests.e2e.workspaces import operator_needed, training_image

TEAM: Final = "team-a"
LIMIT: Final = "600Mi"


@pytest.fixture(scope="module")
def runs(system: None) -> Iterator[dict[str, Run]]:
    """What became of the run of a pod that took too much memory, and of two that were deleted.

    The one is deaf and heard nothing of its end, the other was told.
    """
    name = f"e2e-{uuid.uuid4().hex[:8]}"
    pods = {kind: f"{name}-{kind}" for kind in ("filled", "deaf", "told")}
    try:
        with operator_needed(), tracking(TEAM) as server:

            def here() -> dict[str, Run]:
                made = {run.name: run for run in server.runs()}
                return {kind: made[pod] for kind, pod in pods.items() if pod in made}

            apply(*(_pod(pod, kind) for kind, pod in pods.items()))
            wait_until(lambda: len(here()) == len(pods), "the runs of all pods", timeout=TRAINING_S)
            kubectl("delete", "pod", "-n", TEAM, pods["deaf"], "--force", "--grace-period=0")
            kubectl("delete", "pod", "-n", TEAM, pods["told"])
            told = here()["told"]
            assert told.status == "KILLED", "by its own process, before its pod was gone"

            def closed() -> dict[str, Run]:
                found = here()
                return {} if "RUNNING" in {run.status for run in found.values()} else found

            yield wait_until(closed, "all runs to be closed", timeout=TRAINING_S)
    finally:
        kubectl("delete", "pod", "-n", TEAM, *pods.values(), "--ignore-not-found", "--wait=false")


def test_out_of_memory_is_told_with_the_limit(runs: dict[str, Run]) -> None:
    assert runs["filled"].status == "FAILED"
    assert runs["filled"].tags[contract.TAG_FINDING] == f"OOMKilled, limit {LIMIT}"


def test_a_pod_that_was_deleted_was_killed(runs: dict[str, Run]) -> None:
    assert runs["deaf"].status == "KILLED"
    assert "deleted" in runs["deaf"].tags[contract.TAG_FINDING]


def test_a_training_that_is_told_ends_its_run_by_itself(runs: dict[str, Run]) -> None:
    assert runs["told"].status == "KILLED"
    assert contract.TAG_FINDING not in runs["told"].tags, "nobody else had to"


def _pod(name: str, kind: str) -> dict[str, Any]:
    arguments = {"filled": ["--fill"], "deaf": ["--deaf"], "told": []}[kind]
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

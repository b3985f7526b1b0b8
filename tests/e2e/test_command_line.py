"""`kubectl mooring` against the real system, as a person runs it."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any, Final

import pytest

from mooring import contract
from mooring.cli.codes import Code
from tests.cluster.process import wait_until
from tests.cluster.tools import tool
from tests.demo.cluster import apply, environment, forwarded, kubectl
from tests.demo.store import TRACKING_PORT, artifacts, tracking
from tests.e2e.jobs import MOORED, Jobs, training
from tests.e2e.workspaces import training_image

TEAM: Final = "team-a"
OTHER: Final = "team-b"
BIN: Final = Path(sys.executable).parent


@pytest.fixture(scope="module")
def run_id(jobs: Jobs) -> str:
    """A run that a training logged."""
    (outcome,) = jobs.run(MOORED, [training(binding=TEAM)])
    return outcome.run_id


def test_verify_reads_what_lies_in_the_store(run_id: str, store: Any) -> None:
    with forwarded(contract.published_name(TEAM), TEAM, TRACKING_PORT) as url:
        code, answer = _mooring("verify", run_id, "--tracking-uri", url, "-o", "json")
    assert code == 0, answer
    with tracking(TEAM) as server:
        run = server.run(run_id)
    assert run
    stored = {a.sha256: a.size for prefix in run.prefixes for a in artifacts(store, prefix)}
    told = {f["sha256"]: f["size"] for part in answer["parts"] for f in part["files"]}
    assert told == stored
    assert stored


def test_demo_data_lies_in_the_store(system: None, store: Any) -> None:
    code, answer = _mooring("demo-data", f"{TEAM}/{TEAM}", "--runs", "1", "-o", "json")
    assert code == 0, answer
    (made,) = answer["runs"]
    with tracking(TEAM) as server:
        run = server.run(made)
    assert run
    stored = {Path(a.key).name for prefix in run.prefixes for a in artifacts(store, prefix)}
    assert stored == {"line.json", "points.csv"}


def test_status_and_doctor_find_nothing_wrong(jobs: Jobs) -> None:
    code, answer = _mooring("status", "-n", TEAM, "-o", "json")
    assert (code, [each["ready"]["status"] for each in answer["workspaces"]]) == (0, ["True"])
    code, answer = _mooring("doctor", "-n", TEAM, "--binding", TEAM, "-o", "json")
    assert (code, answer["failure"]) == (0, None)


def test_the_doctor_finds_why_a_job_makes_no_pod(system: None) -> None:
    # its Events stand for an hour, and the doctor of that binding reads them
    job = f"e2e-{uuid.uuid4().hex[:8]}"
    env = [{"name": contract.TRACKING_URI, "value": ""}]
    container = {"name": "train", "image": training_image(), "command": ["true"], "env": env}
    template = {
        "metadata": {"labels": {contract.BINDING_LABEL: OTHER}},
        "spec": {"containers": [container], "restartPolicy": "Never"},
    }
    metadata = {"name": job, "namespace": OTHER}
    apply(
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata,
         "spec": {"template": template}}
    )  # fmt: skip
    try:
        of_the_job = ("-n", OTHER, "--field-selector", f"involvedObject.name={job}", "-o", "name")
        wait_until(lambda: kubectl("get", "events", *of_the_job), "the refusal of the pod")
        code, answer = _mooring("doctor", f"{OTHER}/{job}", "-o", "json")
    finally:
        kubectl("delete", "job", "-n", OTHER, job)
    assert (code, answer["failure"]) == (Code.NOT_WELL, "uri")
    (found,) = (each for each in answer["ailments"] if each["reason"] == "PodRefused")
    assert 'container train sets MLFLOW_TRACKING_URI=""' in found["evidence"]


def _mooring(*arguments: str) -> tuple[int, Any]:
    """Run `kubectl mooring`; its exit code, and its answer for machines."""
    path = f"{BIN}:{os.environ['PATH']}"
    done = subprocess.run(
        [tool("kubectl"), "mooring", *arguments],
        env={**os.environ, **environment(), "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout or "null")

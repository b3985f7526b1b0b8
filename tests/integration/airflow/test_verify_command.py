"""`mooring verify` against a real tracking server and a real store."""

import hashlib
import json
import uuid
from typing import Any

import pytest

from mooring import contract
from mooring.cli.codes import Code
from tests.integration.airflow.runs import Pod, task_tags
from tests.integration.airflow.world import BUCKET, Workspace, run_as_pod
from tests.services.process import closed_port

PROGRAM = "import sys; from mooring.main import main; sys.argv[0] = 'mooring'; main()"


def verify(team: Workspace, *arguments: str, **env: str | None) -> Any:
    """Run `mooring verify` with nothing but the tracking server's address."""
    given = {contract.TRACKING_URI: team.url}
    return run_as_pod(given, PROGRAM, "verify", *arguments, env=env)


def problems(team: Workspace, run: dict[str, Any]) -> list[str]:
    """Return the reasons of what did not land."""
    ran = verify(team, run["run_id"], "-o", "json")
    found = [each["reason"] for each in json.loads(ran.stdout)["problems"]]
    assert ran.returncode == (Code.NOT_WELL if found else Code.WELL)
    return found


def test_reads_back_every_file_of_a_run_and_its_model(team: Workspace) -> None:
    pod, large = Pod(team, task_tags("train")), bytes(range(256)) * 20_000
    run = pod.start_run()
    pod.put(run["artifact_uri"], "report/deep er/table.csv", large)
    model = pod.log_model(run, "model")
    pod.put(model["artifact_uri"], "data/weights.bin", b"w" * 10)
    pod.finalize(model)
    other = pod.start_run()
    pod.finalize(pod.log_model(other, "of-another-run"))
    pod.end_run(run)
    ran = verify(team, run["run_id"], "-o", "json")
    assert ran.returncode == Code.WELL, ran.stdout + ran.stderr
    answer = json.loads(ran.stdout)
    assert [part["name"] for part in answer["parts"]] == ["the run", "model model"]
    files = [file for part in answer["parts"] for file in part["files"]]
    assert {file["path"]: (file["size"], file["sha256"]) for file in files} == {
        path: (len(content), hashlib.sha256(content).hexdigest())
        for path, content in (
            ("report/deep er/table.csv", large),
            ("MLmodel", b"content"),
            ("data/weights.bin", b"w" * 10),
        )
    }
    assert all(file["read"] == file["size"] for file in files)
    told = verify(team, run["run_id"], "--no-digests")
    assert told.returncode == Code.WELL
    assert "data/weights.bin" in told.stdout
    assert hashlib.sha256(large).hexdigest() not in told.stdout


def test_a_model_whose_files_are_gone_and_one_that_failed(team: Workspace) -> None:
    pod = Pod(team, task_tags("gone"))
    run = pod.start_run()
    assert problems(team, run) == ["RunNotFinished", "NothingLogged"]
    pod.finalize(pod.log_model(run, "gone", upload=False))
    pod.end_run(run)
    assert problems(team, run) == ["ModelMissing"]
    pod.finalize(pod.log_model(run, "failed"), "LOGGED_MODEL_UPLOAD_FAILED")
    assert sorted(problems(team, run)) == ["ModelMissing", "ModelNotReady"]


def test_a_store_that_the_server_cannot_read_is_told(team: Workspace) -> None:
    pod = Pod(team, task_tags("broken"))
    name = f"elsewhere-{uuid.uuid4().hex}"
    experiment = team.api(
        "experiments/create",
        {"name": name, "artifact_location": f"s3://nosuch-{BUCKET}/x"},
    )["experiment_id"]
    lost = Pod(team, pod.tags, experiment)
    run = lost.start_run()
    lost.end_run(run)
    assert problems(team, run) == ["NotListed"]


def test_says_what_is_not_there_or_not_named(team: Workspace) -> None:
    unknown = verify(team, "0" * 32)
    assert unknown.returncode == Code.NOT_FOUND
    assert "does not show run" in unknown.stderr
    unnamed = verify(team, "0" * 32, **{contract.TRACKING_URI: None})
    assert unnamed.returncode == Code.NO_CLUSTER
    assert "--tracking-uri" in unnamed.stderr


@pytest.mark.parametrize("login", ["", "user:not-to-be-seen@"])
def test_says_that_the_server_does_not_answer(team: Workspace, login: str) -> None:
    uri = f"http://{login}127.0.0.1:{closed_port()}"
    ran = verify(team, "0" * 32, "--tracking-uri", uri)
    assert ran.returncode == Code.NO_CLUSTER
    assert "refuses connections" in ran.stderr
    assert "not-to-be-seen" not in ran.stderr

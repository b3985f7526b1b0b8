"""Verification against a real tracking server and a real store: each loss, then the finding."""

import subprocess
from dataclasses import replace
from typing import Any

import pytest

from mooring import contract
from mooring_airflow import identity, verify
from mooring_airflow.errors import MooringError
from mooring_airflow.registration import registered
from tests.integration.airflow.runs import Pod, expectation, run_of, task_tags
from tests.integration.airflow.world import BUCKET, Workspace
from tests.services.process import closed_port


def refusal(team: Workspace, tags: dict[str, str], *require: Any) -> str:
    with pytest.raises(MooringError) as refused:
        verify.verify(expectation(team, tags, *require))
    return str(refused.value)


def test_hands_on_what_landed(team: Workspace) -> None:
    pod = Pod(team, task_tags("train"))
    run = pod.start_run()
    pod.put(run["artifact_uri"], "report/table.csv")
    model = pod.log_model(run, "model")
    pod.finalize(model)
    team.api("runs/log-metric", {"run_id": run["run_id"], "key": "auc", "value": 0.5,
                                 "timestamp": 1})  # fmt: skip
    team.api("runs/log-metric", {"run_id": run["run_id"], "key": "nan", "value": "NaN",
                                 "timestamp": 1})  # fmt: skip
    pod.end_run(run)
    found = verify.verify(expectation(team, pod.tags, "model", "report/table.csv", "report"))
    assert found.run_id == run["run_id"]
    assert found.experiment_name == "Default"
    assert found.model_uri == f"models:/{model['model_id']}"
    assert found.metrics == {"auc": 0.5, "nan": None}
    assert run_of(team, run["run_id"])["tags"][contract.TAG_VERIFIED] == "true"


def test_a_pod_that_logged_nothing(team: Workspace) -> None:
    said = refusal(team, task_tags("lost"))
    assert said.startswith(
        "RunMissing: the pod finished with exit code 0, but workspace "
        "team-a/team-a has no run of this task instance (task d.lost, "
    )
    assert "mlflow.set_tracking_uri" in said


def test_runs_of_others_do_not_count(team: Workspace) -> None:
    mine = task_tags("train")
    others = [
        {**mine, contract.TAG_MAP_INDEX: "1", contract.TAG_POD: "other"},
        {**mine, contract.TAG_TRY_NUMBER: "2", contract.TAG_POD: "later"},
        {**mine, contract.TAG_RUN_ID: "yesterday"},
    ]
    for tags in others:
        pod = Pod(team, tags)
        pod.end_run(pod.start_run())
    assert refusal(team, mine).startswith("RunMissing")


def test_a_run_that_never_ended(team: Workspace) -> None:
    pod = Pod(team, task_tags("open"))
    run = pod.start_run()
    assert refusal(team, pod.tags).startswith("RunNotFinished")
    left = run_of(team, run["run_id"])
    assert left["status"] == "FAILED"
    assert left["tags"][contract.TAG_FINDING] == "RunNotFinished"


def test_a_model_whose_files_are_gone(team: Workspace) -> None:
    pod = Pod(team, task_tags("gone"))
    run = pod.start_run()
    pod.finalize(pod.log_model(run, "model", upload=False))
    pod.end_run(run)
    said = refusal(team, pod.tags, "model")
    assert said.startswith("ModelMissing")
    assert "found: nothing" in said


def test_an_artifact_that_did_not_land(team: Workspace) -> None:
    pod = Pod(team, task_tags("part"))
    run = pod.start_run()
    pod.put(run["artifact_uri"], "report/table.csv")
    pod.end_run(run)
    said = refusal(team, pod.tags, "report/table.csv", "report/plot.png", "table.csv")
    assert said.startswith("RequiredMissing: report/plot.png, table.csv did not land")


def test_an_experiment_that_leads_elsewhere(team: Workspace) -> None:
    body = {"name": "leads-elsewhere", "artifact_location": f"s3://{BUCKET}/other/x"}
    experiment = team.api("experiments/create", body)["experiment_id"]
    pod = Pod(team, task_tags("elsewhere"), experiment)
    run = pod.start_run()
    pod.put(run["artifact_uri"], "table.csv")
    pod.end_run(run)
    assert refusal(team, pod.tags, "table.csv").startswith("ArtifactsElsewhere")


def test_what_is_required_by_pattern_count_bytes_and_flavour(
    team: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    pod = Pod(team, task_tags("close"))
    run = pod.start_run()
    for name in ("a.png", "b.png", "deep/c.png"):
        pod.put(run["artifact_uri"], f"plots/{name}", b"x" * 100)
    model = pod.log_model(run, "model")
    pod.put(model["artifact_uri"], "MLmodel", b"flavors:\n  sklearn: {}\n")
    pod.put(model["artifact_uri"], "data/weights.bin", b"x" * 1000)
    pod.finalize(model)
    pod.end_run(run)
    landed = [
        {"name": "plots/*.png", "min_count": 2, "min_bytes": 200},
        {"name": "plots", "min_count": 3},
        {"name": "mod*", "flavor": "sklearn", "min_bytes": 1000},
    ]
    with caplog.at_level("INFO"):
        assert verify.verify(expectation(team, pod.tags, *landed)) is not None
    assert "verdict: verified" in caplog.text
    assert "artifact plots/a.png: 100 B" in caplog.text
    said = refusal(team, pod.tags, {"name": "plots/*.png", "min_count": 3}, {"name": "*.png"})
    assert said.startswith("RequiredMissing: plots/*.png (at least 3) (found 2, 200 bytes), *.png")
    assert refusal(team, pod.tags, {"name": "model", "flavor": "torch"}).startswith(
        "RequiredMissing: model (flavour torch)"
    )


def test_a_warning_lets_the_task_go_on_and_stays_on_the_run(
    team: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    pod = Pod(team, task_tags("warned"))
    run = pod.start_run()
    pod.end_run(run)
    outcome = verify.examine(expectation(team, pod.tags, "model"))
    assert outcome.reference is not None
    assert outcome.reference.run_id == run["run_id"]
    assert "verdict: NOT verified: RequiredMissing: model did not land" in caplog.text
    tags = run_of(team, run["run_id"])["tags"]
    assert tags[contract.TAG_FINDING] == "RequiredMissing"
    assert verify.examine(expectation(team, task_tags("none"))).reference is None


def test_a_verified_model_is_registered_once(team: Workspace) -> None:
    pod = Pod(team, task_tags("registers"))
    run = pod.start_run()
    model = pod.log_model(run, "model")
    pod.finalize(model)
    pod.end_run(run)
    expected = expectation(team, pod.tags, "model")
    found = verify.verify(expected)
    first, again = (registered(expected, found, f"m-{run['run_id']}") for _ in range(2))
    assert first == again
    assert (first.registered_model, first.registered_version) == (f"m-{run['run_id']}", "1")
    with pytest.raises(MooringError, match="NothingToRegister: register is 'm', and run"):
        registered(expected, replace(found, model_id=None), "m")


SWALLOWED = """
import mlflow, numpy
from sklearn.linear_model import LinearRegression
mlflow.sklearn.autolog(log_datasets=False)
with mlflow.start_run():
    LinearRegression().fit(numpy.eye(3), [1, 2, 3])
"""


def test_an_upload_error_that_autolog_swallowed(team: Workspace) -> None:
    tags = task_tags("swallowed")
    pod: subprocess.CompletedProcess[str] = team.pod(
        SWALLOWED,
        env={
            contract.AWS_SECRET_ACCESS_KEY: "a-wrong-secret",
            contract.RUN_CONTEXT: identity.run_context(tags),
        },
    )
    # The loss: the training ends well, its run says FINISHED, and there is no model.
    assert pod.returncode == 0, pod.stderr
    assert "WARNING mlflow" in pod.stderr
    said = refusal(team, tags)
    assert said.startswith("ModelNotReady")
    assert "UPLOAD_FAILED" in said


def test_a_tracking_server_that_is_gone(team: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "VERIFY_PATIENCE_S", 0.5)
    gone = replace(team, url=f"http://127.0.0.1:{closed_port()}")
    said = refusal(gone, task_tags("train"))
    assert said.startswith("VerificationImpossible")
    assert gone.url in said


def test_a_failure_ends_its_runs_and_those_of_earlier_tries(team: Workspace) -> None:
    tags = task_tags("retried")
    first, second = Pod(team, tags), Pod(team, {**tags, contract.TAG_TRY_NUMBER: "2"})
    other = Pod(team, {**tags, contract.TAG_MAP_INDEX: "0"})
    lost, mine, foreign = first.start_run(), second.start_run(), other.start_run()
    verify.close_runs(expectation(team, second.tags), "FAILED", "PodFailed")
    left = {
        name: run_of(team, run["run_id"])
        for name, run in (("lost", lost), ("mine", mine), ("foreign", foreign))
    }
    assert (left["mine"]["status"], left["lost"]["status"]) == ("FAILED", "FAILED")
    assert left["mine"]["tags"][contract.TAG_FINDING] == "PodFailed"
    assert left["lost"]["tags"][contract.TAG_FINDING] == "Superseded"
    assert left["lost"]["tags"][contract.TAG_SUPERSEDED_BY] == mine["run_id"]
    assert left["foreign"]["status"] == "RUNNING"


def test_a_success_ends_the_runs_of_earlier_tries(team: Workspace) -> None:
    tags = task_tags("retried")
    first, second = Pod(team, tags), Pod(team, {**tags, contract.TAG_TRY_NUMBER: "2"})
    lost, mine = first.start_run(), second.start_run()
    verify.supersede_earlier_tries(expectation(team, second.tags), mine["run_id"])
    left = run_of(team, lost["run_id"])
    assert left["status"] == "FAILED"
    assert left["tags"][contract.TAG_SUPERSEDED_BY] == mine["run_id"]
    assert run_of(team, mine["run_id"])["status"] == "RUNNING"


def test_closing_does_not_hide_the_pods_own_failure(
    team: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(verify, "CLOSE_PATIENCE_S", 0.2)
    gone = replace(team, url=f"http://127.0.0.1:{closed_port()}")
    verify.close_runs(expectation(gone, task_tags("train")), "FAILED", "PodFailed")
    assert "were not closed" in caplog.text

"""The example's scripts, as its three pods run them one after another."""

import json
from pathlib import Path

from mooring import contract
from mooring_airflow import identity, verify
from tests.integration.airflow.runs import expectation, task_tags
from tests.integration.airflow.world import Workspace

EXAMPLES = Path(__file__).parents[3] / "dags" / "examples"
RUN = "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"


def run_pod(team: Workspace, script: str, *arguments: str, require: list[str]) -> dict[str, object]:
    tags = task_tags(Path(script).stem)
    env = {contract.RUN_CONTEXT: identity.run_context(tags)}
    done = team.pod(RUN, str(EXAMPLES / script), *arguments, env=env)
    assert done.returncode == 0, done.stderr
    found = verify.verify(expectation(team, tags, *require))
    return found.as_dict()


def test_train_evaluate_score(team: Workspace) -> None:
    trained = run_pod(team, "train.py", "--strength", "1", require=["model", "coefficients.csv"])
    runs = json.dumps([trained])
    run_pod(team, "evaluate.py", "--model", "m", "--runs", runs, require=["comparison.csv"])
    champion = team.api("registered-models/alias?name=m&alias=champion")["model_version"]
    assert champion["source"].startswith("models:/") or champion["run_id"] == trained["run_id"]
    scored = run_pod(team, "score.py", "--model", "m", require=["predictions.csv"])
    metrics = scored["metrics"]
    assert isinstance(metrics, dict)
    assert metrics["accuracy"] > 0.95


def test_a_retry_goes_on_after_the_last_epoch(team: Workspace) -> None:
    first = task_tags("train")
    again = {**first, contract.TAG_TRY_NUMBER: "2"}
    script = str(EXAMPLES / "train_in_epochs.py")
    context = {contract.RUN_CONTEXT: identity.run_context(first)}
    # What ends it between two epochs, as the loss of its pod does.
    cut = "import time; time.sleep = lambda _: exit(1);" + RUN
    assert team.pod(cut, script, "--epochs", "3", env=context).returncode == 1
    run_id = verify.resumable(expectation(team, again))
    given = {contract.RUN_ID: run_id, contract.RUN_CONTEXT: identity.run_context(again)}
    done = team.pod(RUN, script, "--epochs", "3", "--pause", "0", env=given)
    assert done.returncode == 0, done.stderr
    assert "epochs done before: 1" in done.stdout
    found = verify.verify(expectation(team, again, "model", "checkpoint.pkl"))
    assert (found.run_id, found.metrics["epoch"]) == (run_id, 3)

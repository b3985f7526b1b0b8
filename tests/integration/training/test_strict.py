"""What MLflow loses and only warns of fails the training, where that is asked for."""

import uuid

import pytest

from mooring.contract import AWS_SECRET_ACCESS_KEY, BOUND_URI, STRICT, TRACKING_URI
from tests.integration.airflow.world import Workspace
from tests.integration.training.pods import Image, run, training

AUTOLOG = """
import mlflow, os
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
mlflow.sklearn.autolog({how})
def fit():
    LogisticRegression(max_iter=500).fit(*load_iris(return_X_y=True))
{train}
mlflow.set_tag("test", os.environ["TEST"])
mlflow.end_run()
print("trained")
"""
RESUMED = "with mlflow.start_run() as run: fit()\nmlflow.start_run(run.info.run_id)"
CAUGHT = "mlflow.start_run()\ntry: fit()\nexcept Exception: pass"
ASYNC = """
import mlflow, os
with mlflow.start_run():
    mlflow.set_tag("test", os.environ["TEST"], synchronous=True)
    mlflow.log_param("depth", 1)
    mlflow.log_param("depth", 2)
print("trained")
"""
WRONG_KEY = "not-the-key-of-the-store"


def ended(image: Image, team: Workspace, program: str, **env: str) -> tuple[int, str, str, str]:
    """Exit code, output, and id and status of the run of a training."""
    test = uuid.uuid4().hex
    with training(image, team.environment, program, TEST=test, **env) as pod:
        code = pod.end()
        said = pod.said()
    assert "trained" in said, said
    found = run(team, "test", test)
    return code, said, found["id"], found["status"]


@pytest.mark.parametrize(("train", "how"), [(RESUMED, ""), (CAUGHT, "silent=True")])
def test_a_model_that_autolog_could_not_upload(
    image: Image, team: Workspace, train: str, how: str
) -> None:
    program = AUTOLOG.format(how=how, train=train)
    wrong = {AWS_SECRET_ACCESS_KEY: WRONG_KEY}
    code, _, _, status = ended(image, team, program, **wrong)
    assert (code, status) == (0, "FINISHED"), "the loss: all looks well, and there is no model"

    code, said, run_id, status = ended(image, team, program, **wrong, **{STRICT: "1"})
    assert (code, status) == (1, "FAILED"), said
    told = said.splitlines()[-1]
    assert told.startswith(f"LoggingSwallowed: run {run_id} lost what sklearn autologging was ")
    assert "SignatureDoesNotMatch" in told
    assert "Run mooring guard in this pod" in told
    assert WRONG_KEY not in said


def test_what_asynchronous_logging_could_not_send(image: Image, team: Workspace) -> None:
    later = {"MLFLOW_ENABLE_ASYNC_LOGGING": "true", "MLFLOW_LOGGING_LEVEL": "CRITICAL"}
    code, _, _, status = ended(image, team, ASYNC, **later)
    assert (code, status) == (0, "FINISHED"), "the loss"

    code, said, run_id, status = ended(image, team, ASYNC, **later, **{STRICT: "1"})
    assert (code, status) == (1, "FAILED"), said
    assert f"run {run_id} lost metrics, parameters or tags that were logged async" in said


def test_a_run_that_goes_to_another_server(image: Image, team: Workspace) -> None:
    code, said = _elsewhere(image, team)
    assert code == 0, f"the loss: {said}"

    code, said = _elsewhere(image, team, **{STRICT: "1"})
    assert code == 1, said
    told = said.splitlines()[-1]
    uri = team.environment[TRACKING_URI]
    assert told.startswith(f"RunElsewhere: a run was logged to {uri!r}, and the binding ")
    assert "gave 'http://mlflow.team-b.svc:5000'" in told


def _elsewhere(image: Image, team: Workspace, **env: str) -> tuple[int, str]:
    bound = {BOUND_URI: "http://mlflow.team-b.svc:5000"}
    program = "import mlflow\nmlflow.start_run()"
    with training(image, team.environment, program, **bound, **env) as pod:
        return pod.end(), pod.said()


def test_a_training_that_loses_nothing_ends_as_ever(image: Image, team: Workspace) -> None:
    program = AUTOLOG.format(how="", train=RESUMED)
    code, said, _, status = ended(image, team, program, **{STRICT: "1"})
    assert (code, status) == (0, "FINISHED"), said
    assert "LoggingSwallowed" not in said

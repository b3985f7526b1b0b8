"""Whose a run is, with no code in the training."""

import json
import socket
import uuid

from mooring import contract
from tests.integration.airflow.world import BINDING, WORKSPACE, Workspace
from tests.integration.training.pods import Image, own_tags, run, training, unbound

TRAIN = """
import mlflow, os
with mlflow.start_run():
    mlflow.set_tag("test", os.environ["TEST"])
    with mlflow.start_run(nested=True):
        pass
"""
BOUND = {
    contract.TAG_WORKSPACE: WORKSPACE,
    contract.TAG_BINDING: f"team-a/{BINDING}",
    contract.TAG_POD: socket.gethostname(),
}


def tags_of_run(
    image: Image, team: Workspace, environment: dict[str, str], **env: str
) -> dict[str, str]:
    """The tags of Mooring and Airflow on the run of a training."""
    test = uuid.uuid4().hex
    with training(image, environment, TRAIN, TEST=test, **env) as pod:
        assert pod.end() == 0, pod.said()
        assert "mooring" not in pod.said().lower(), "silent"
    return own_tags(run(team, "test", test)["tags"])


def test_a_run_says_whose_it_is(image: Image, team: Workspace) -> None:
    assert tags_of_run(image, team, unbound(team)) == {}, "the loss: nobody knows whose it is"
    assert tags_of_run(image, team, dict(team.environment)) == BOUND


def test_what_the_pods_starter_says_comes_first(image: Image, team: Workspace) -> None:
    """As MlflowPodOperator does it: nothing is said twice or otherwise."""
    given = {
        contract.TAG_DAG_ID: "d",
        contract.TAG_MAP_INDEX: "3",
        contract.TAG_BINDING: "team-a/other",
        contract.TAG_POD: "train-abc",
    }
    found = tags_of_run(
        image,
        team,
        dict(team.environment),
        MLFLOW_RUN_CONTEXT=json.dumps(given),
        AIRFLOW_CTX_TASK_ID="another",
    )
    assert found == {contract.TAG_WORKSPACE: WORKSPACE, **given}


def test_a_task_that_trains_in_its_airflow_worker(image: Image, team: Workspace) -> None:
    airflow = {"AIRFLOW_CTX_DAG_ID": "d", "AIRFLOW_CTX_DAG_RUN_ID": "manual__1"}
    found = tags_of_run(image, team, dict(team.environment), **airflow)
    assert found == {**BOUND, contract.TAG_DAG_ID: "d", contract.TAG_RUN_ID: "manual__1"}

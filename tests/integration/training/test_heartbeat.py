"""A run tells that its process lives."""

import uuid
from datetime import UTC, datetime

from mooring.contract import HTTP_MAX_RETRIES, TAG_HEARTBEAT
from tests.cluster.process import wait_until
from tests.integration.airflow.world import Workspace
from tests.integration.training.pods import Image, run, training, unbound
from tests.services.process import closed_port

WAITS = """
import mlflow, os, sys
with mlflow.start_run({which}):
    mlflow.set_tag("test", os.environ["TEST"])
    print("training", flush=True)
    while "go" not in mlflow.get_run(mlflow.active_run().info.run_id).data.tags: pass
print("done", flush=True)
"""


def let_go(team: Workspace, run_id: str) -> None:
    team.api("runs/set-tag", {"run_id": run_id, "key": "go", "value": "yes"})


def test_the_run_of_a_living_process_says_so(image: Image, team: Workspace) -> None:
    test, program = uuid.uuid4().hex, WAITS.format(which="")
    with training(image, team.environment, program, TEST=test) as pod:
        pod.await_line("training")
        wait_until(lambda: TAG_HEARTBEAT in run(team, "test", test)["tags"], "a heartbeat")
        told = datetime.fromisoformat(run(team, "test", test)["tags"][TAG_HEARTBEAT])
        assert abs((datetime.now(UTC) - told).total_seconds()) < 120
        let_go(team, run(team, "test", test)["id"])
        assert pod.end() == 0, pod.said()


def test_also_of_a_run_that_is_resumed(image: Image, team: Workspace) -> None:
    """Its tags name the pod that made it, which is gone: only the heartbeat tells that it lives."""
    made = team.api("runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"]
    test, program = uuid.uuid4().hex, WAITS.format(which=f"run_id={made!r}")
    with training(image, team.environment, program, TEST=test) as pod:
        pod.await_line("training")
        wait_until(lambda: TAG_HEARTBEAT in run(team, "test", test)["tags"], "a heartbeat")
        let_go(team, made)
        assert pod.end() == 0, pod.said()


def test_nobody_else_s_does(image: Image, team: Workspace) -> None:
    test = uuid.uuid4().hex
    program = "import mlflow, os, time\nwith mlflow.start_run():\n    "
    program += "mlflow.set_tag('test', os.environ['TEST']); time.sleep(3)"
    with training(image, unbound(team), program, TEST=test) as pod:
        assert pod.end() == 0, pod.said()
    assert TAG_HEARTBEAT not in run(team, "test", test)["tags"]


DOWN = """
import mlflow, os, threading, time
from mooring import contract
contract.HEARTBEAT_EVERY_S = 0.1
def beats():
    return {t for t in threading.enumerate() if t.name == "mooring-heartbeat"}
with mlflow.start_run():
    mlflow.set_tag("test", os.environ["TEST"])
    up = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(os.environ["DOWN"])
    stuck = set()
    while not stuck & beats():
        stuck = beats()
        time.sleep(3)
    mlflow.set_tracking_uri(up)
    print("trained")
"""


def test_a_server_that_is_down_neither_fails_nor_holds_up_the_training(
    image: Image, team: Workspace
) -> None:
    """The heartbeat would try for an hour; the process ends as soon as the training does."""
    test, down = uuid.uuid4().hex, f"http://127.0.0.1:{closed_port()}"
    retries = {HTTP_MAX_RETRIES: "8", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "30"}
    with training(image, team.environment, DOWN, TEST=test, DOWN=down, **retries) as pod:
        assert pod.end() == 0, pod.said()
        assert "trained" in pod.said()
    assert run(team, "test", test)["status"] == "FINISHED"

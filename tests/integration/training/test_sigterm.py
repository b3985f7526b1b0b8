"""A pod that is told to end: nothing of its run is lost, and the run says that it was killed."""

import signal
import uuid
from collections.abc import Mapping

import pytest

from tests.integration.airflow.world import Workspace
from tests.integration.training.pods import Image, run, training, unbound

LOGGED = 50
ASYNCHRONOUS = {
    "MLFLOW_ENABLE_ASYNC_LOGGING": "true",
    # as when the server is slow: what was logged is still here when the signal comes
    "MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS": "600",
}
IN_PYTHON = "time.sleep(600)"
IN_C = "hashlib.pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)"
"""Minutes in which Python runs no handler, as in a long fit."""

TRAIN = """
import hashlib, mlflow, os, sys, signal, time
mlflow.start_run()
mlflow.set_tag("test", os.environ["TEST"], synchronous=True)
for step in range(50):
    mlflow.log_metric("loss", 1 / (step + 1), step=step)
print("training")
{work}
"""
WITH = """
import mlflow, os, sys, signal, time
with mlflow.start_run():
    mlflow.set_tag("test", os.environ["TEST"])
    print("training")
    {work}
print("done")
"""


def told_to_end(
    image: Image, environment: Mapping[str, str], program: str, **env: str
) -> tuple[int, str]:
    """Exit code and output of a training that got SIGTERM in the middle."""
    with training(image, environment, program, **env) as pod:
        pod.await_line("training")
        pod.process.send_signal(signal.SIGTERM)
        return pod.end(), pod.said()


def logged(team: Workspace, run_id: str) -> int:
    """How many values of the metric have reached the server."""
    found = team.api(f"metrics/get-history?run_id={run_id}&metric_key=loss")
    return len(found.get("metrics", []))


@pytest.mark.parametrize("work", [IN_PYTHON, IN_C])
def test_the_run_is_closed_and_everything_sent(image: Image, team: Workspace, work: str) -> None:
    program = TRAIN.format(work=work)

    test = uuid.uuid4().hex
    code, said = told_to_end(image, unbound(team), program, TEST=test, **ASYNCHRONOUS)
    left = run(team, "test", test)
    assert (code, left["status"]) == (-signal.SIGTERM, "RUNNING"), "the loss"
    assert logged(team, left["id"]) == 0

    test = uuid.uuid4().hex
    code, said = told_to_end(image, team.environment, program, TEST=test, **ASYNCHRONOUS)
    closed = run(team, "test", test)
    assert (code, closed["status"]) == (143, "KILLED"), said
    assert logged(team, closed["id"]) == LOGGED
    assert f"mooring: SIGTERM: run {closed['id']} is closed as KILLED" in said


HANDLERS = {
    "before": "signal.signal(signal.SIGTERM, handle)\nimport mlflow",
    "after": "import mlflow\nsignal.signal(signal.SIGTERM, handle)",
}


def with_handler(when: str, does: str, work: str, program: str = WITH) -> str:
    """A training whose own handler was set before or after MLflow was imported."""
    own = f"import signal\ndef handle(*_):\n    print('own')\n    {does}\n{HANDLERS[when]}\n"
    return own + program.format(work=work)


@pytest.mark.parametrize("when", list(HANDLERS))
def test_a_training_that_ends_itself_has_its_way(
    current: Image, team: Workspace, when: str
) -> None:
    test = uuid.uuid4().hex
    flag = with_handler(when, "global over; over = True", "while not over: time.sleep(0.1)")
    code, said = told_to_end(current, team.environment, "over = False\n" + flag, TEST=test)
    assert code == 0, said
    assert "own" in said
    assert "done" in said
    assert run(team, "test", test)["status"] == "FINISHED"


@pytest.mark.parametrize("program", [WITH, TRAIN])
@pytest.mark.parametrize("when", list(HANDLERS))
def test_a_handler_that_ends_the_process(
    current: Image, team: Workspace, when: str, program: str
) -> None:
    test = uuid.uuid4().hex
    exits = with_handler(when, "sys.exit(7)", IN_PYTHON, program)
    code, said = told_to_end(current, team.environment, exits, TEST=test)
    assert code == 7, said
    assert said.count("own") == 1
    assert run(team, "test", test)["status"] == "KILLED"


def test_a_handler_that_does_not_end_it(current: Image, team: Workspace) -> None:
    """It has its time, and then the run is closed before the kubelet kills the process."""
    test = uuid.uuid4().hex
    stays = with_handler("after", "pass", "while True: time.sleep(0.1)")
    with training(current, team.environment, stays, TEST=test) as pod:
        pod.await_line("training")
        pod.process.send_signal(signal.SIGTERM)
        pod.await_line("own")
        pod.await_line(f"mooring: SIGTERM: run {run(team, 'test', test)['id']} is closed as KILLED")
        assert pod.process.poll() is None
        assert run(team, "test", test)["status"] == "KILLED"


FORKS = """
import multiprocessing
def main():
    context = multiprocessing.get_context("fork")
    ends = set()
    for _ in range(50):
        child = context.Process(target=time.sleep, args=(600,))
        child.start()
        # at once: before Python in the child can do anything about the handler it inherits
        child.terminate()
        child.join()
        ends.add(child.exitcode)
    print("children", ends)
"""


def test_the_end_of_a_forked_worker_is_not_the_trainings(current: Image, team: Workspace) -> None:
    """As a data loader ends its workers: with SIGTERM."""
    test = uuid.uuid4().hex
    program = FORKS + WITH.format(work="main()")
    with training(current, team.environment, program, TEST=test) as pod:
        assert pod.end() == 0, pod.said()
        assert f"children {{{-signal.SIGTERM}}}" in pod.said()
    assert run(team, "test", test)["status"] == "FINISHED"

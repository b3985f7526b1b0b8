"""However a pod of MlflowPodOperator ends: its run is closed, and says why."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from airflow.providers.cncf.kubernetes.callbacks import KubernetesPodOperatorCallback
from airflow.sdk.exceptions import AirflowException, TaskDeferred
from kubernetes import client

from mooring import contract
from tests.cluster.apiserver import ApiServer
from tests.cluster.process import wait_until
from tests.integration.airflow.bound import END, FAIL, HANG, Bound, answered
from tests.integration.airflow.kubelet import PLAYED
from tests.integration.airflow.runs import run_of
from tests.integration.airflow.world import Workspace

WAIT = """
import time
told = f"attributes.run_id = '{run}' and tags.go = 'on'"
while not call("runs/search", experiment_ids=["0"], filter=told).get("runs"):
    time.sleep(0.2)
"""
LIMITED = client.V1ResourceRequirements(limits={"memory": "512Mi"})


def disrupted(reason: str) -> dict[str, Any]:
    """What the cluster says of a pod that it takes away, before it is gone."""
    condition = {"type": "DisruptionTarget", "status": "True", "reason": reason}
    return {"phase": "Failed", "conditions": [condition]}


@dataclass(frozen=True, slots=True)
class End:
    """What a pod's node or the cluster says at its end, and what becomes of its run."""

    played: dict[str, Any]
    status: str
    finding: str


ENDINGS = {
    "out of memory": End(
        {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
        "FAILED",
        "OOMKilled, limit 512Mi",
    ),
    "evicted": End(
        {"reason": "Evicted", "message": "The node was low on resource: memory."},
        "FAILED",
        "Evicted: The node was low on resource: memory.",
    ),
    "deadline": End(
        {"reason": "DeadlineExceeded", "message": "Pod was active longer than specified"},
        "FAILED",
        "DeadlineExceeded: Pod was active longer than specified",
    ),
    "preempted": End(
        disrupted("PreemptionByScheduler"),
        "KILLED",
        "the pod was deleted: PreemptionByScheduler",
    ),
    "node gone": End(
        # Of a node that does not answer, nobody knows how the containers ended.
        {**disrupted("DeletionByPodGC"), "containerStatuses": None},
        "KILLED",
        "the pod was deleted: DeletionByPodGC",
    ),
}
CASES = [(ending, deferrable) for ending in ENDINGS for deferrable in (False, True)]


@pytest.fixture(scope="module")
def bound(apiserver: ApiServer, team: Workspace) -> Iterator[Bound]:
    """A namespace with a node, and a binding that is ready."""
    with answered(apiserver, team) as space:
        yield space


@pytest.fixture(scope="module")
def contexts(bound: Bound) -> dict[tuple[str, bool], Any]:
    """The task instances of all cases, whose pods have all ended; all at once, as each waits."""
    found = {case: bound.context() for case in CASES}

    def play(case: tuple[str, bool]) -> None:
        ending, deferrable = case
        how: dict[str, Any] = {
            "annotations": {PLAYED: json.dumps(ENDINGS[ending].played)},
            "container_resources": LIMITED,
        }
        task, context = bound.task(FAIL, deferrable=deferrable, **how), found[case]
        if deferrable:
            event = bound.defer(FAIL, context, **how)
            with pytest.raises(AirflowException):
                task.trigger_reentry(context, event)
        else:
            with pytest.raises(AirflowException):
                task.execute(context)

    with ThreadPoolExecutor(len(CASES)) as threads:
        list(threads.map(play, CASES))
    return found


def closed(bound: Bound, context: Any) -> tuple[str, str]:
    """Status and finding of the one run of a task instance."""
    (run,) = bound.runs(context)
    found = run_of(bound.team, run)
    return found["status"], found["tags"][contract.TAG_FINDING]


@pytest.mark.parametrize("deferrable", [False, True], ids=["worker", "deferred"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_the_run_says_how_its_pod_ended(
    bound: Bound, contexts: dict[tuple[str, bool], Any], ending: str, deferrable: bool
) -> None:
    end = ENDINGS[ending]
    assert closed(bound, contexts[ending, deferrable]) == (end.status, end.finding)


def test_an_image_that_cannot_be_pulled_is_told_and_leaves_no_run(bound: Bound) -> None:
    waiting = {"reason": "ImagePullBackOff", "message": "no such image mooring/trainin:test"}
    context = bound.context()
    task = bound.task(END, annotations={PLAYED: json.dumps({"waiting": waiting})})
    with pytest.raises(AirflowException) as refused:
        task.execute(context)
    told = [refused.value, refused.value.__context__]
    assert any("mooring/trainin:test" in str(error) for error in told)
    assert bound.runs(context) == []


class Takes(KubernetesPodOperatorCallback):
    """Takes the pod away just before the task has cleaned up after it."""

    @staticmethod
    def on_pod_completion(*, pod: Any, client: Any, **_: Any) -> None:
        """Delete it at once."""
        where = (pod.metadata.name, pod.metadata.namespace)
        client.delete_namespaced_pod(*where, grace_period_seconds=0)


def test_a_pod_that_goes_while_its_deferred_task_goes_on_leaves_no_open_run(bound: Bound) -> None:
    context = bound.context()
    event = bound.defer(FAIL, context)
    with pytest.raises(AirflowException, match="as its trigger tells it"):
        bound.task(FAIL, deferrable=True, callbacks=Takes).trigger_reentry(context, event)
    assert closed(bound, context) == ("KILLED", "the pod was deleted")


def begun(bound: Bound, code: str, context: Any) -> Any:
    """The trigger of a deferred task, once its pod has made its run."""
    with pytest.raises(TaskDeferred) as deferred:
        bound.task(code, deferrable=True).execute(context)
    wait_until(lambda: len(bound.runs(context)) == 1, "the pod's run")
    return deferred.value.trigger


def test_a_task_whose_worker_died_goes_on_with_its_pod(bound: Bound) -> None:
    first = bound.context()
    # All that a dead worker leaves behind is what one leaves behind that has deferred.
    trigger = begun(bound, WAIT + END, first)
    (run,) = bound.runs(first)
    second = bound.context(run_id=first["run_id"], try_number=2)
    bound.pushed.clear()
    with ThreadPoolExecutor() as threads:
        going_on = threads.submit(bound.task(END).execute, second)
        wait_until(lambda: "pod_name" in bound.pushed or going_on.done(), "the next try's pod")
        bound.team.api("runs/set-tag", {"run_id": run, "key": "go", "value": "on"})
        going_on.result()
    assert bound.runs(second) == [run]
    assert bound.pushed[contract.XCOM_KEY]["run_id"] == run
    assert bound.pushed["pod_name"] == trigger.pod_name
    assert run_of(bound.team, run)["tags"][contract.TAG_VERIFIED] == "true"


def test_a_triggerer_that_restarts_takes_nothing_and_a_kill_takes_the_pod(bound: Bound) -> None:
    context = bound.context()
    trigger = begun(bound, HANG, context)
    (run,) = bound.runs(context)
    asyncio.run(trigger.cleanup())
    assert bound.phase(trigger.pod_name) == "Running"
    assert run_of(bound.team, run)["status"] == "RUNNING"
    again = type(trigger)(**trigger.serialize()[1])
    # What the triggerer calls when somebody ends the task in Airflow's pages. The run is closed by
    # the operator, which sees the pod go: there is no worker.
    asyncio.run(again.on_kill())
    wait_until(lambda: trigger.pod_name not in bound.pods(), "the pod to be deleted")


def test_a_pod_that_outlives_its_killed_task_keeps_its_run(bound: Bound) -> None:
    context = bound.context()
    trigger = begun(bound, HANG, context)
    killed = bound.task(HANG, on_kill_action="keep_pod", deferrable=True)
    with pytest.raises(TaskDeferred):
        killed.execute(bound.context(run_id=context["run_id"]))
    assert killed.pod is not None
    assert killed.pod.metadata.name == trigger.pod_name
    killed.on_kill()
    (run,) = bound.runs(context)
    assert run_of(bound.team, run)["status"] == "RUNNING"
    bound.delete(trigger.pod_name)

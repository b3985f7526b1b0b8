"""Which pods are to have a run, and what is told of one that says otherwise than its exit code."""

import json
from typing import Any

import pytest

from mooring import contract
from mooring_operator.plan.silent import Succeeded, succeeded
from mooring_operator.queue import Key
from mooring_operator.reconcile.ends import Successes
from mooring_operator.reconcile.silent import told
from mooring_operator.stores.protocol import PodRun

CONTEXT = {
    "name": contract.RUN_CONTEXT,
    "value": json.dumps({contract.TAG_POD: contract.POD_REFERENCE}),
}


def pod(phase: str = "Succeeded", env: Any = (CONTEXT,), **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "rank-1", "namespace": "team", "uid": "u", **metadata},
        "spec": {"containers": [{"name": "mesh"}, {"name": "base", "env": list(env)}]},
        "status": {"phase": phase},
    }  # fmt: skip


def logs(value: str) -> dict[str, Any]:
    return {"annotations": {contract.LOGS_ANNOTATION: value}}


@pytest.mark.parametrize(
    "other",
    [
        pod("Failed"),
        pod(env=()),
        pod(env=[{**CONTEXT, "value": '{"mooring.pod": "rank-1"}'}]),
        pod(env=[CONTEXT, {"name": contract.RUN_ID, "valueFrom": {}}]),
        pod(env=[{"name": contract.RUN_CONTEXT, "valueFrom": {}}]),
        pod(**logs(contract.LOGS_NONE)),
    ],
)
def test_of_other_pods_nobody_can_tell(other: dict[str, Any]) -> None:
    assert succeeded(other) is None


def test_what_is_kept_of_a_pod() -> None:
    owners = [{"name": "set"}, {"name": "rank", "controller": True}]
    found = succeeded(pod(annotations={"a": "b"}, ownerReferences=owners))
    kept = {"name": "rank-1", "namespace": "team", "uid": "u"}
    named = {"apiVersion": "v1", "kind": "Pod", "metadata": kept}
    assert found == Succeeded(named, optional=False, owner="rank")


@pytest.mark.parametrize(
    "metadata", [logs(contract.LOGS_OPTIONAL), {"labels": {"kubernetes_executor": "True"}}]
)
def test_some_need_no_run(metadata: dict[str, Any]) -> None:
    found = succeeded(pod(**metadata))
    assert found is not None
    assert told(found, [], "team/models") is None
    failed = told(found, [run("FAILED")], "team/models")
    assert failed is not None
    assert failed.reason == "RunFailed"


def run(
    status: str, name: str = "rank-1", model: str | None = None, namespace: str = "team"
) -> PodRun:
    return PodRun("r1", name, f"{namespace}/models", status, model)


@pytest.mark.parametrize(
    ("runs", "reason"),
    [
        ([], "NothingLogged"),
        ([run("FINISHED", namespace="other")], "NothingLogged"),
        ([run("FINISHED", "rank-0")], None),
        ([run("RUNNING", "rank-0")], None),
        ([run("FAILED", "rank-0")], "NothingLogged"),
        ([run("FINISHED", "ranks-0")], "NothingLogged"),
        ([run("FINISHED")], None),
        ([run("RUNNING", model="m")], None),
        ([run("FAILED"), run("FINISHED")], None),
        ([run("KILLED"), run("FAILED"), run("FINISHED", "rank-0")], "RunFailed"),
        ([run("FINISHED"), run("FINISHED", model="m")], "ModelNotReady"),
    ],
)
def test_what_is_told(runs: list[PodRun], reason: str | None) -> None:
    ended = succeeded(pod(ownerReferences=[{"name": "rank", "controller": True}]))
    assert ended is not None
    finding = told(ended, runs, "team/models")
    assert (finding and finding.reason) == reason
    alone = succeeded(pod())
    assert alone is not None
    assert told(alone, [run("FINISHED", "rank-0")], "team/models") is not None


def test_a_pod_is_kept_once_until_a_look_that_came_to_something() -> None:
    pods, team = Successes(), Key("Runs", "team", "models")
    found = succeeded(pod())
    assert found is not None
    pods.keep(team, found)
    pods.keep(team, found)
    assert pods.take(Key("Runs", "team", "other")) == []
    assert pods.take(team) == [found]
    pods.again(team, [found])
    pods.keep(team, found)
    assert pods.take(team) == [found]
    assert pods.take(team) == []

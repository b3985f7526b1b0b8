"""A pod that succeeded and kept nothing, or less than it logged, is told; a good one is not."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from mooring import contract
from mooring_operator.kube import BINDING, EVENT, POD
from mooring_operator.plan.reaping import GRACE
from tests.integration.operator.process import Operator
from tests.integration.operator.test_artifact_roots import look
from tests.integration.operator.test_findings import PRELUDE, found
from tests.integration.operator.test_reaper import Runs, tags
from tests.integration.operator.world import World, until

pytestmark = pytest.mark.waits

TOLD = ("NothingLogged", "RunFailed", "ModelNotReady")
LOGS = contract.LOGS_ANNOTATION
LOSE_MODEL = f"""{PRELUDE}
run_id = sys.argv[3]
model(store.get_run(run_id).info.experiment_id, run_id, "price", "FAILED")
print(json.dumps(None))
"""


def bound_pod(
    world: World, team: str, name: str, *env: dict[str, Any], owner: str = "", **annotations: str
) -> None:
    """Have a pod that carries what the policy merges, after `env` of its own, and succeed."""
    fragment = (world.api.get(BINDING, team, "models") or {})["status"]["pod"]
    metadata: dict[str, Any] = {
        "name": name, "namespace": team,
        "labels": {contract.BINDING_LABEL: "models"},
        "annotations": {key.replace("logs", LOGS): value for key, value in annotations.items()},
    }  # fmt: skip
    if owner:
        job = {"apiVersion": "batch/v1", "kind": "Job", "name": owner, "uid": owner}
        metadata["ownerReferences"] = [{**job, "controller": True}]
    own = {entry["name"] for entry in env}
    given = [*env, *(entry for entry in fragment["env"] if entry["name"] not in own)]
    container = {"name": "base", "image": "train", "env": given}
    spec = {"containers": [container], "restartPolicy": "Never"}
    world.api.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    world.api.patch_status(POD, team, name, {"phase": "Running"})


def succeed(world: World, team: str, name: str) -> None:
    """Have the pod end well, as its kubelet tells it."""
    then = (datetime.now(UTC) - 2 * GRACE).strftime("%Y-%m-%dT%H:%M:%SZ")
    ended = {"exitCode": 0, "reason": "Completed", "startedAt": then, "finishedAt": then}
    statuses = [{"name": "base", "image": "train", "imageID": "", "ready": False,
                 "restartCount": 0, "state": {"terminated": ended}}]  # fmt: skip
    world.api.patch_status(POD, team, name, {"phase": "Succeeded", "containerStatuses": statuses})


def told(world: World, team: str) -> dict[str, tuple[str, str]]:
    """By pod: the reason and the message of the Event about it."""
    events = [event for event in world.api.list(EVENT, team) if event["reason"] in TOLD]
    by_pod = {e["involvedObject"]["name"]: (e["reason"], e["message"]) for e in events}
    assert len(by_pod) == len(events), "each is told once"
    return by_pod


def test_a_pod_that_succeeded_is_asked_for_its_run(world: World, operator: Operator) -> None:
    team = world.ready_workspace()
    world.binding_is(team, "models", "True")
    logged = ["good", "failed", "lacking", "two", "two", "rank-0"]
    runs = Runs(world, team, *(tags(team, name) for name in logged))
    with runs.session() as session:
        session.execute("UPDATE runs SET status = 'FINISHED'")
        failed = [runs.ids[logged.index("failed")], runs.ids[logged.index("two")]]
        session.execute("UPDATE runs SET status = 'FAILED' WHERE run_uuid = ANY(%s)", [failed])
    lacking = runs.ids[logged.index("lacking")]
    runs.mlflow(LOSE_MODEL, lacking)

    task = {"name": contract.RUN_CONTEXT, "value": json.dumps(tags(team, "of-a-task"))}
    resumed = {"name": contract.RUN_ID, "value": lacking}
    quiet = ("unnamed", "good", "two", "reads", "may-log", "of-a-task", "resumed", "rank-1")
    # as every pod was before the policy told it the tags of its runs: nobody can tell of it
    bound_pod(world, team, "unnamed", {"name": contract.RUN_CONTEXT, "value": "{}"})
    bound_pod(world, team, "reads", logs=contract.LOGS_NONE)
    bound_pod(world, team, "may-log", logs=contract.LOGS_OPTIONAL)
    bound_pod(world, team, "of-a-task", task)
    bound_pod(world, team, "resumed", resumed)
    bound_pod(world, team, "rank-1", owner="rank")
    for name in ("good", "two", "failed", "lacking", "silent", "gone"):
        bound_pod(world, team, name)
    look(world, team)
    until(lambda: found(world, team).get("total") == 1, "the model to be counted in the status")
    operator.settle()
    before = world.api.writes()
    asked = world.api.gets(POD)
    kept = (*quiet, "failed", "lacking", "silent")
    for name in kept:
        succeed(world, team, name)
    until(lambda: world.api.gets(POD) >= asked + len(kept), "the operator to ask how they ended")
    succeed(world, team, "gone")
    until(lambda: world.api.gets(POD) > asked + len(kept), "the operator to ask how it ended")
    world.api.delete(POD, team, "gone")

    until(lambda: len(told(world, team)) >= 4, "the pods that lost something to be told of")
    operator.settle()
    events = told(world, team)
    assert {name: reason for name, (reason, _) in events.items()} == {
        "failed": "RunFailed",
        "lacking": "ModelNotReady",
        "silent": "NothingLogged",
        "gone": "NothingLogged",
    }
    assert f"workspace {team}/models has no run of it" in events["silent"][1]
    assert f"annotation {LOGS}: none" in events["silent"][1]
    assert f"its run {failed[0]} is FAILED" in events["failed"][1]
    assert f"the logged model price of its run {lacking}" in events["lacking"][1]
    written = world.api.writes() - before
    assert written == {"POST events/": 4}, "a good pod costs no write"
    samples = operator.metric("mooring_silent_pods_total")
    assert {labels["reason"]: n for labels, n in samples if labels["namespace"] == team} == {
        "RunFailed": 1.0, "ModelNotReady": 1.0, "NothingLogged": 2.0,
    }  # fmt: skip

    for name in kept:
        world.api.delete(POD, team, name)
    operator.kill()
    bound_pod(world, team, "unseen")
    succeed(world, team, "unseen")
    operator.start()
    until(lambda: "unseen" in told(world, team), "what ended while nobody watched to be told of")

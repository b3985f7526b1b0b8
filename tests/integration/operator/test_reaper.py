"""A run whose pod has ended is closed and says why; one that somebody may still write to is not."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from mooring import contract
from mooring_operator.kube import EVENT, POD, SECRET, WORKSPACE
from mooring_operator.plan.database import MIGRATION_URI
from mooring_operator.plan.reaping import GRACE
from tests.integration.operator.process import Operator
from tests.integration.operator.test_artifact_roots import look
from tests.integration.operator.test_deletion import gone
from tests.integration.operator.test_findings import PRELUDE, mlflow
from tests.integration.operator.test_suspend import suspend
from tests.integration.operator.world import World, decoded, until

pytestmark = pytest.mark.waits

START = f"""{PRELUDE}
import time
from mlflow.entities import RunTag
experiment = store.create_experiment("prices")
made = []
for tags in json.loads(sys.argv[3]):
    given = [RunTag(key, value) for key, value in tags.items()]
    made.append(run(experiment, "RUNNING", int(time.time() * 1000), given))
print(json.dumps(made))
"""
READ = f"""{PRELUDE}
found = [store.get_run(id) for id in json.loads(sys.argv[3])]
print(json.dumps([[r.info.status, r.data.tags.get("mooring.finding"), r.info.end_time]
                  for r in found]))
"""


class Runs:
    """Runs of a workspace, as its server sees them."""

    def __init__(self, world: World, team: str, *tags: dict[str, str]) -> None:
        """Have a run that has not ended with each of these sets of tags."""
        self._uri = decoded(world.api.get(SECRET, team, "models-mlflow-database"))[MIGRATION_URI]
        self._root = world.published(team, "models")[contract.ARTIFACT_ROOT]
        self.ids: list[str] = mlflow(START, self._uri, self._root, json.dumps(tags))

    def read(self) -> list[tuple[str, str | None, int | None]]:
        """Status, finding and end of each, by MLflow itself."""
        return [tuple(each) for each in mlflow(READ, self._uri, self._root, json.dumps(self.ids))]

    def mlflow(self, program: str, *arguments: str) -> Any:
        """What a program prints that does as MLflow's server does."""
        return mlflow(program, self._uri, self._root, *arguments)

    def end(self) -> None:
        """Have none of them hold up the end of the workspace."""
        with self.session() as session:
            session.execute("UPDATE runs SET status = 'FINISHED' WHERE status = 'RUNNING'")

    @contextmanager
    def session(self) -> Iterator[psycopg.Connection[Any]]:
        """A session in their database."""
        with psycopg.connect(self._uri.replace("+psycopg2", ""), autocommit=True) as session:
            yield session

    def statuses(self) -> list[str]:
        """The status of each."""
        with self.session() as session:
            rows = dict(session.execute("SELECT run_uuid, status FROM runs").fetchall())
        return [rows[each] for each in self.ids]

    def beat(self, number: int, ago: timedelta) -> None:
        """Have the training of a run tell that it was alive some time ago."""
        time = (datetime.now(UTC) - ago).strftime("%Y-%m-%dT%H:%M:%SZ")
        with self.session() as session:
            session.execute(
                "INSERT INTO tags (key, value, run_uuid) VALUES (%s, %s, %s) "
                "ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value",
                [contract.TAG_HEARTBEAT, time, self.ids[number]],
            )


def tags(team: str, pod: str) -> dict[str, str]:
    """The tags of a run of a pod beside binding `models`."""
    return {contract.TAG_POD: pod, contract.TAG_BINDING: f"{team}/models"}


def make_pod(world: World, team: str, name: str, **spec: Any) -> None:
    """Have a pod that trains."""
    limits = {"limits": {"memory": "512Mi"}}
    world.api.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": team,
                         "labels": {contract.BINDING_LABEL: "models"}},
            "spec": {"containers": [{"name": "base", "image": "train", "resources": limits}],
                     **spec},
        }
    )  # fmt: skip
    world.api.patch_status(POD, team, name, {"phase": "Running"})


def refuse_pod(world: World, team: str, name: str, said: str) -> None:
    """Have the guard of the pod refuse to let it start, as the kubelet tells it."""
    ended = {"exitCode": 11, "reason": "Error", "message": said}
    guard = {"name": contract.GUARD_CONTAINER, "image": "guard", "imageID": "", "ready": False,
             "restartCount": 0, "state": {"terminated": ended}}  # fmt: skip
    world.api.patch_status(POD, team, name, {"phase": "Failed", "initContainerStatuses": [guard]})


def end_pod(world: World, team: str, name: str, code: int, reason: str) -> None:
    """Have the pod fail, as its kubelet tells it: so long ago that nobody is waited for."""
    then = (datetime.now(UTC) - 2 * GRACE).strftime("%Y-%m-%dT%H:%M:%SZ")
    ended = {"exitCode": code, "reason": reason, "startedAt": then, "finishedAt": then}
    statuses = [{"name": "base", "image": "train", "imageID": "", "ready": False,
                 "restartCount": 0, "state": {"terminated": ended}}]  # fmt: skip
    world.api.patch_status(POD, team, name, {"phase": "Failed", "containerStatuses": statuses})


def test_a_run_says_running_for_ever_without_it_and_oomkilled_with_it(
    world: World, operator: Operator
) -> None:
    team = world.ready_workspace()
    make_pod(world, team, "train")
    runs = Runs(world, team, tags(team, "train"))
    suspend(world, team, yes=True)
    world.workspace_is(team, "True", "Suspended")
    seen = count(operator)
    end_pod(world, team, "train", 137, "OOMKilled")
    until(lambda: count(operator) > seen, "a look at the runs of a pod that has ended")
    assert runs.read() == [("RUNNING", None, None)], "without the reaper nobody ends it"

    suspend(world, team, yes=False)
    until(lambda: runs.statuses() == ["FAILED"], "the run to be closed")
    [(_, finding, ended)] = runs.read()
    assert finding == "OOMKilled, limit 512Mi"
    assert ended is not None
    assert abs(ended / 1000 - datetime.now(UTC).timestamp()) < 600


def test_it_is_closed_and_no_other_is_touched(world: World, operator: Operator) -> None:
    team = world.ready_workspace()
    for name in ("deleted", "alive", "done", "failed"):
        make_pod(world, team, name)
    make_pod(world, team, "indexed-x7k2p", hostname="indexed-0")
    other = world.namespace("other")
    runs = Runs(
        world, team, tags(team, "deleted"), tags(team, "alive"), tags(team, "done"), {},
        tags(team, "failed"), {contract.TAG_POD: f"{team}/deleted"}, tags(other, "theirs"),
        tags(team, "indexed-0"),
    )  # fmt: skip
    with runs.session() as session:
        session.execute("UPDATE runs SET status = 'FINISHED' WHERE run_uuid = %s", [runs.ids[2]])
    seen = count(operator)
    look(world, team)
    until(lambda: count(operator) > seen, "a look while all pods live")
    assert runs.statuses() == ["RUNNING", "RUNNING", "FINISHED", *(5 * ["RUNNING"])]

    asked = world.api.gets(POD)
    end_pod(world, team, "failed", 1, "Error")
    until(lambda: world.api.gets(POD) > asked, "the operator to ask how it ended")
    world.api.delete(POD, team, "failed")
    world.api.delete(POD, team, "deleted")
    world.api.delete(POD, team, "done")
    wanted = ["KILLED", "RUNNING", "FINISHED", "RUNNING", "FAILED", "KILLED", "RUNNING", "RUNNING"]
    until(lambda: runs.statuses() == wanted, "the runs to be closed")
    findings = [finding for _, finding, _ in runs.read()]
    deleted, failed = "the pod was deleted", "container base ended with exit code 1"
    assert findings == [deleted, None, None, None, failed, deleted, None, None]
    runs.end()


def test_a_run_that_speaks_after_its_pod_ended_goes_on(world: World, operator: Operator) -> None:
    team = world.ready_workspace()
    runs = Runs(world, team, tags(team, "gone"))
    runs.beat(0, -timedelta(minutes=10))
    seen = count(operator)
    look(world, team)
    until(lambda: count(operator) > seen + 1, "two looks at the run")
    assert runs.statuses() == ["RUNNING"], "resumed in another pod"

    runs.beat(0, timedelta(minutes=10))
    until(lambda: runs.statuses() == ["KILLED"], "the run to be closed")


def test_what_ended_while_the_operator_was_down_is_closed(world: World, operator: Operator) -> None:
    team = world.ready_workspace()
    make_pod(world, team, "train")
    runs = Runs(world, team, tags(team, "train"))
    operator.kill()
    world.api.delete(POD, team, "train")
    operator.start()
    look(world, team)
    until(lambda: runs.statuses() == ["KILLED"], "the run to be closed")


def test_what_the_guard_said_outlives_its_pod(world: World) -> None:
    team = world.ready_workspace()
    said = "TrackingUriEmpty: MLFLOW_TRACKING_URI is empty. Remove it from the container's env."
    make_pod(world, team, "train")
    asked = world.api.gets(POD)
    refuse_pod(world, team, "train", said)
    until(lambda: world.api.gets(POD) > asked, "the operator to ask how it ended")
    world.api.delete(POD, team, "train")

    def told() -> list[tuple[str, str, str]]:
        return [
            (event["involvedObject"]["name"], event["type"], event["message"])
            for event in world.api.list(EVENT, team)
            if event["reason"] == "GuardRefused"
        ]

    until(told, "an Event")
    assert told() == [("train", "Warning", f"the guard did not let the pod start: {said}")]


def test_a_deletion_that_waits_for_a_run_goes_on_when_its_pod_is_gone(world: World) -> None:
    team = world.ready_workspace()
    make_pod(world, team, "train")
    runs = Runs(world, team, tags(team, "train"))
    world.api.delete(WORKSPACE, team, "models")
    found = world.workspace_is(team, "RunsInFlight")
    assert f"run {runs.ids[0]} of experiment 'prices'" in found["message"]

    world.api.delete(POD, team, "train")
    until(lambda: gone(world, team), "the workspace to be gone")


def count(operator: Operator) -> int:
    return operator.reconciles("Runs")

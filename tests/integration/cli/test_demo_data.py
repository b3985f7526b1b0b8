"""`mooring demo-data` on a real API server; controllers and kubelet are played."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from kubernetes import client

from mooring import contract
from mooring.cli.codes import Code
from tests.cluster.process import wait_until
from tests.integration.admission.world import World
from tests.integration.cli.conftest import Person
from tests.integration.cli.objects import binding, condition, pod

RUNS = ["1" * 32, "2" * 32]


def test_it_tells_the_runs_that_its_pod_has_logged(bound: World, admin: Person) -> None:
    playing = Played(bound, {"exitCode": 0, "message": json.dumps(RUNS)}, "Complete")
    ran = admin.kubectl("mooring", "demo-data", f"{bound.namespace}/team-a", "--image", "train")
    job = playing.job()
    assert ran.code == Code.WELL, ran.err
    assert [line.split()[1] for line in ran.out.splitlines()] == ["RUN", *RUNS]
    assert job.spec.template.metadata.labels[contract.BINDING_LABEL] == "team-a"


def test_a_pod_that_failed_is_one_for_the_doctor(bound: World, admin: Person) -> None:
    playing = Played(bound, {"exitCode": 1}, "Failed")
    ran = admin.mooring("demo-data", "team-a", "-n", bound.namespace, "--image", "train")
    job = playing.job().metadata.name
    assert ran.code == Code.NOT_WELL
    assert f"kubectl mooring doctor {bound.namespace}/{job}-pod" in ran.err
    assert f"kubectl logs -n {bound.namespace} job/{job}" in ran.err


def test_nothing_is_made_where_no_pod_could_log(team: World, admin: Person) -> None:
    place = ("-n", team.namespace)
    assert admin.mooring("demo-data", "team-a", *place).code == Code.NOT_FOUND
    binding(team, "team-a", condition("Ready", "False", "NotAdmitted", "ask its team"))
    ran = admin.mooring("demo-data", "team-a", *place)
    assert ran.code == Code.NOT_WELL
    assert "NotAdmitted: ask its team" in ran.err
    assert _jobs(team) == []


def test_without_a_server_an_image_has_to_be_named(bound: World, admin: Person) -> None:
    ran = admin.mooring("demo-data", "team-a", "-n", bound.namespace)
    assert ran.code == Code.NOT_FOUND
    assert "--image" in ran.err
    assert _jobs(bound) == []


def test_what_its_pod_runs_logs_what_it_says(tmp_path: Path) -> None:
    script = resources.files("mooring.cli.demodata").joinpath("training.py").read_text()
    environ = {**os.environ, contract.TRACKING_URI: "sqlite:///mlflow.db"}
    subprocess.run(
        [sys.executable, "-c", script, "demo", "2"], env=environ, cwd=tmp_path, check=True
    )
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        rows = database.execute(
            "SELECT r.status, count(*), max(m.value) > 2 * min(m.value) FROM runs r "
            "JOIN metrics m ON m.run_uuid = r.run_uuid AND m.key = 'loss' GROUP BY r.run_uuid"
        ).fetchall()
    assert rows == [("FINISHED", 20, 1)] * 2, "each learns something in 20 epochs"
    for artifact in ("line.json", "points.csv"):
        assert len(list(tmp_path.rglob(artifact))) == 2


class Played:
    """A Job whose pod ends, as its controller and the kubelet would tell it."""

    def __init__(self, world: World, terminated: dict[str, Any], outcome: str) -> None:
        """Begin to wait for the Job of the namespace."""
        self._world, self._outcome = world, outcome
        self._terminated = {"reason": "x", **terminated}
        self._batch = client.BatchV1Api(world.api)
        self._made: Any = None
        self._thread = threading.Thread(target=self._play)
        self._thread.start()

    def job(self) -> Any:
        """The Job, after its end."""
        self._thread.join()
        return self._made

    def _play(self) -> None:
        [job] = wait_until(lambda: _jobs(self._world), "the Job")
        template = job.spec.template
        name, labels = job.metadata.name, {"batch.kubernetes.io/job-name": job.metadata.name}
        status = {"name": "demo", "image": "x", "imageID": "", "ready": False, "restartCount": 0,
                  "state": {"terminated": self._terminated}}  # fmt: skip
        spec = client.ApiClient().sanitize_for_serialization(template.spec)
        metadata = {"name": f"{name}-pod", "labels": labels}
        pod(self._world, {"metadata": metadata, "spec": spec}, {"containerStatuses": [status]})
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        good = self._outcome == "Complete"
        before = "SuccessCriteriaMet" if good else "FailureTarget"
        conditions = [
            {"type": kind, "status": "True", "reason": "Test", "lastTransitionTime": now}
            for kind in (before, self._outcome)
        ]
        ends = {"completionTime": now, "succeeded": 1} if good else {"failed": 1}
        body = {"status": {"startTime": now, "conditions": conditions, "ready": 0,
                           "uncountedTerminatedPods": {}, **ends}}  # fmt: skip
        self._batch.patch_namespaced_job_status(name, job.metadata.namespace, body)
        self._made = job


def _jobs(world: World) -> list[Any]:
    found: list[Any] = client.BatchV1Api(world.api).list_namespaced_job(world.namespace).items
    return found

"""A new MLflow version: server at zero, a copy of the database, the migration, and the way back.

The Jobs run for real here, as processes: `mooring migrate` of MLflow 3.11 and of this checkout's
MLflow, on the database that the operator made.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from mooring_operator.api.conditions import ARTIFACT_ROOTS_MATCH
from mooring_operator.kube import DEPLOYMENT, JOB, SECRET, WORKSPACE
from mooring_operator.reconcile.upgrade import RESTORE_ANNOTATION
from tests.integration.operator.api import Manifest
from tests.integration.operator.kubelet import complete, fail, fake_kubelet
from tests.integration.operator.world import World, decoded, until
from tests.services.older_mlflow import LOG, READ, WRITTEN, older, older_environment, older_python

OLD, NEW = "mooring/server:3.11", "mooring/server:3.17"
OFFERED = [{"version": "3.11.1", "image": OLD}, {"version": "3.17.2", "image": NEW}]
UPGRADE_S = 180.0


def run_as_process(world: World, job: Manifest) -> None:
    """Run the container of a Job here, with the MLflow that its image stands for."""
    [container] = job["spec"]["template"]["spec"]["containers"]
    namespace, env = job["metadata"]["namespace"], {}
    for entry in container["env"]:
        if "value" in entry:
            env[entry["name"]] = entry["value"]
        else:
            ref = entry["valueFrom"]["secretKeyRef"]
            env[entry["name"]] = decoded(world.api.get(SECRET, namespace, ref["name"]))[ref["key"]]
    python = older_python() if container["image"] == OLD else Path(sys.executable)
    program = "from mooring.main import main; main()"
    done = subprocess.run(
        [python, "-c", program, *container["command"][1:]],
        env=older_environment(env) if container["image"] == OLD else {**os.environ, **env},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == 0:
        complete(world.api, job)
    else:
        fail(world.api, job, done.stderr.splitlines()[-1], exit_code=done.returncode)


@contextmanager
def kubelet(world: World, namespace: str) -> Iterator[list[int]]:
    """Run migrations as processes and say that everything else works; yields replicas seen."""
    over, replicas = Event(), [1]

    def work() -> None:
        while not over.wait(0.05):
            for job in world.api.list(JOB, namespace, "app.kubernetes.io/component=migrate"):
                if not job.get("status", {}).get("conditions"):
                    run_as_process(world, job)
            fake_kubelet(world.api, namespace, jobs="app.kubernetes.io/component!=migrate")
            # afterwards: from a number that it answered the operator may go on, but not far
            for live in world.api.list(DEPLOYMENT, namespace):
                if replicas[-1] != live["spec"]["replicas"]:
                    replicas.append(live["spec"]["replicas"])

    thread = Thread(target=work)
    thread.start()
    try:
        yield replicas
    finally:
        over.set()
        thread.join()


def runtime_uri(world: World, namespace: str) -> str:
    return decoded(world.api.get(SECRET, namespace, "models-mlflow-database"))["runtime-uri"]


def serves(world: World, namespace: str, image: str) -> bool:
    live = world.api.get(DEPLOYMENT, namespace, "models-mlflow")
    if live is None:
        return False
    [container] = live["spec"]["template"]["spec"]["containers"]
    workspace = world.api.get(WORKSPACE, namespace, "models") or {}
    told = workspace.get("status", {}).get("conditions", [])
    # what MLflow 3.11 logs in LOG lies elsewhere, and is told of
    conditions = [each for each in told if each["type"] != ARTIFACT_ROOTS_MATCH]
    return (
        container["image"] == image
        and bool(conditions)
        and all(c["status"] == "True" for c in conditions)
    )


@pytest.fixture
def team(world: World, tmp_path: Path) -> str:
    """A workspace with a run, a metric, an artifact and a registered model of MLflow 3.11."""
    world.make_class()
    world.edit_class({"server": {"image": OLD}})
    team = world.namespace("team")
    world.make_workspace(team)
    with kubelet(world, team):
        until(lambda: serves(world, team, OLD), "a server of MLflow 3.11", UPGRADE_S)
    older(LOG, runtime_uri(world, team), tmp_path.as_uri())
    return team


def current(program: str, *arguments: str) -> str:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_an_upgrade_keeps_the_data_and_can_be_undone(world: World, team: str) -> None:
    with kubelet(world, team) as replicas:
        world.edit_class({"server": {"image": NEW}})
        until(lambda: serves(world, team, NEW), "a server of MLflow 3.17", UPGRADE_S)
    assert replicas == [1, 0, 1], "no server runs while the database is copied"
    uri = runtime_uri(world, team)
    assert current(READ, uri) == WRITTEN
    assert "'old' at 'file://" in world.workspace_is(team, "False", ARTIFACT_ROOTS_MATCH)["message"]

    with kubelet(world, team) as replicas:
        world.edit_class({"server": {"image": OLD}})
        said = world.workspace_is(team, "SchemaNewer", "DatabaseReady")
        assert f"{RESTORE_ANNOTATION}=COPY" in said["message"]
        assert replicas == [1], "the newer server goes on meanwhile"

        annotations = {RESTORE_ANNOTATION: "latest"}
        world.api.patch(WORKSPACE, team, "models", {"metadata": {"annotations": annotations}})
        until(lambda: serves(world, team, OLD), "a server of MLflow 3.11 again", UPGRADE_S)
    assert older(READ, uri) == WRITTEN
    live = world.api.get(WORKSPACE, team, "models") or {}
    assert RESTORE_ANNOTATION not in live["metadata"]["annotations"]


def test_a_team_upgrades_by_naming_a_version(world: World, team: str) -> None:
    def ask(version: str | None) -> None:
        world.api.patch(WORKSPACE, team, "models", {"spec": {"server": {"version": version}}})

    world.edit_class({"server": {"versions": OFFERED}})
    ask("3.11.1")
    world.edit_class({"server": {"image": NEW}})
    with kubelet(world, team) as replicas:
        until(lambda: serves(world, team, OLD), "the version that was asked for", UPGRADE_S)
        assert replicas == [1], "what the class does meanwhile is nothing to it"
        ask("3.17.2")
        until(lambda: serves(world, team, NEW), "a server of MLflow 3.17", UPGRADE_S)
        assert replicas == [1, 0, 1], "no server runs while the database is copied"
        assert current(READ, runtime_uri(world, team)) == WRITTEN

        ask("3.11.1")
        said = world.workspace_is(team, "SchemaNewer", "DatabaseReady")
        assert f"{RESTORE_ANNOTATION}=COPY" in said["message"]
        ask(None)
        until(lambda: serves(world, team, NEW), "the class's server again", UPGRADE_S)
        assert replicas == [1, 0, 1], "the newer server went on meanwhile"

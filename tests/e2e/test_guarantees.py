"""What else a team may count on, on a real node."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from mooring import contract
from mooring_operator.stores.names import database_names
from tests.cluster.process import wait_until
from tests.demo.cluster import TIMEOUT, apply, get, kubectl
from tests.demo.store import tracking
from tests.e2e.jobs import MOORED, Jobs, training
from tests.e2e.scenarios import GO, let_go, running, unique
from tests.e2e.workspaces import (
    OwnWorkspace,
    keys,
    operator_needed,
    own_bucket,
    own_workspace,
    restart_server,
    select,
)

TEAM: Final = "team-a"
USER: Final = 10001
DATABASES: Final = "select datname from pg_database"


@pytest.fixture(scope="module")
def minted(jobs: Jobs) -> Iterator[OwnWorkspace]:
    name = "e2e-minted"
    spec = {"deletionPolicy": "Delete"}
    with own_workspace(name, own_bucket(name, "Minted"), spec) as mine:
        yield mine


def test_minted_key_carries_a_training(jobs: Jobs, minted: OwnWorkspace, store: Any) -> None:
    public = get("configmap", minted.published, minted.name)["data"]
    key = minted.secret()[contract.AWS_ACCESS_KEY_ID]
    assert contract.AWS_ROLE_ARN not in public
    assert key not in public.values()
    (outcome,) = jobs.run(MOORED, [training(binding=minted.name)])
    assert outcome.state == "success"
    assert f"/models/{outcome.model_id}/artifacts/MLmodel" in "\n".join(keys(store, minted.bucket))


def test_server_restart_loses_no_run(jobs: Jobs, minted: OwnWorkspace) -> None:
    experiment = unique()
    env = {contract.EXPERIMENT_NAME: experiment}
    pod = training("--wait-for", GO, binding=minted.name, env_vars=env)
    started = jobs.start(MOORED, [pod])
    with tracking(minted.name) as server:
        (run,) = running(server, experiment, 1)
    restart_server(minted.name)
    with tracking(minted.name) as server:
        let_go(server, [run])
        (outcome,) = jobs.finish(started)
        (kept,) = server.runs(experiment)
    assert outcome.state == "success"
    assert kept.run_id == outcome.run_id == run.run_id
    assert kept.tags[contract.TAG_VERIFIED] == "true"


def test_deletion_takes_the_data_where_the_team_says_so(minted: OwnWorkspace, store: Any) -> None:
    database = database_names(minted.name, minted.name).database
    assert keys(store, minted.bucket)
    assert database in select(DATABASES)
    with operator_needed():
        kubectl("delete", *minted.object, TIMEOUT)
    assert not keys(store, minted.bucket)
    assert database not in select(DATABASES)


def test_pod_without_root_writes_to_a_default_volume(system: None) -> None:
    name = unique()
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": TEAM},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Mi"}},
        },
    }
    image = get("mlb", TEAM, TEAM)["status"]["pod"]["initContainers"][0]["image"]
    pod = _pod(
        name, TEAM, image, ["sh", "-c", "echo written > /data/file && cat /data/file && id -u"]
    )
    pod["spec"]["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": name}}]
    pod["spec"]["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    apply(claim)
    try:
        assert _run(pod).split() == ["written", str(USER)]
    finally:
        kubectl("delete", "pvc", name, "-n", TEAM, TIMEOUT)


def _pod(name: str, namespace: str, image: str, command: list[str]) -> dict[str, Any]:
    container = {
        "name": "base",
        "image": image,
        "command": command,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "restartPolicy": "Never",
            "containers": [container],
            "securityContext": {"runAsNonRoot": True, "runAsUser": USER},
        },
    }


def _run(pod: dict[str, Any]) -> str:
    """Run a pod to its end; what it printed. It is deleted afterwards."""
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    apply(pod)
    try:
        wait_until(
            lambda: get("pod", name, namespace)["status"]["phase"] in {"Succeeded", "Failed"},
            f"pod {name} in {namespace} to end",
        )
        return kubectl("logs", name, "-n", namespace, "-c", "base").strip()
    finally:
        kubectl("delete", "pod", name, "-n", namespace, "--wait=false")

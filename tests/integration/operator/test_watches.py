"""The API server goes away and comes back: the operator goes on, and misses nothing."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kubernetes import client

from mooring_operator.kube import CONFIG_MAP
from tests.cluster.apiserver import ApiServer, api_server
from tests.cluster.process import alive, command_line, die_with_parent, end
from tests.integration.operator.api import Api
from tests.integration.operator.conftest import admin_of
from tests.integration.operator.process import Operator, least_privilege
from tests.integration.operator.world import World, until
from tests.services.postgresql import Postgresql
from tests.services.versitygw import Versitygw


@pytest.fixture
def own_server() -> Iterator[ApiServer]:
    with api_server() as running:
        yield running


@contextmanager
def same_again(pid: int, log: Path) -> Iterator[None]:
    """Kill a process, and run the same command while the block lasts."""
    command = command_line(pid)
    os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(pid), "the API server to be gone")
    with log.open("a") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, preexec_fn=die_with_parent
        )
    try:
        yield
    finally:
        end([process.pid])


def test_an_api_server_that_is_started_anew(
    own_server: ApiServer,
    postgresql_service: Postgresql,
    versitygw_service: Versitygw,
    tmp_path: Path,
) -> None:
    admin = admin_of(own_server)
    api = Api(admin)
    kubeconfig = least_privilege(own_server, api, client.CoreV1Api(admin), tmp_path)
    operator = Operator(kubeconfig, tmp_path / "operator.log")
    operator.start()
    world = World(api, postgresql_service, versitygw_service)
    team = world.ready_workspace()
    log = own_server.folder / "kube-apiserver.log"
    with same_again(own_server.pids["kube-apiserver"], log):
        until(lambda: ready(admin), "the API server to be back")
        assert operator.alive()
        world.api.delete(CONFIG_MAP, team, "models-mlflow")
        until(lambda: world.api.get(CONFIG_MAP, team, "models-mlflow"), "the ConfigMap")
        world.edit_class({"guard": {"image": "mooring/runtime:2"}})
        world.converge(team)
        world.close()
        assert operator.stop() == 0


def ready(admin: client.ApiClient) -> bool:
    try:
        admin.call_api("/readyz", "GET", auth_settings=["BearerToken"], _preload_content=False)
    except Exception:  # noqa: BLE001 (refused, reset, unauthorized: it is not there yet)
        return False
    return True

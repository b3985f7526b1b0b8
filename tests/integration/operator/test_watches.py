"""The API server goes away, and so does the token: the operator goes on, and misses nothing."""

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
from tests.integration.operator.process import (
    Operator,
    least_privilege,
    void_tokens,
    write_token,
)
from tests.integration.operator.world import World, until
from tests.services.postgresql import Postgresql
from tests.services.versitygw import Versitygw


@pytest.fixture
def own_server() -> Iterator[ApiServer]:
    with api_server() as running:
        yield running


class Restartable:
    """The process of the API server, which can be killed and started again."""

    def __init__(self, server: ApiServer, admin: client.ApiClient) -> None:
        self.pid = server.pids["kube-apiserver"]
        self._log = server.folder / "kube-apiserver.log"
        self._admin = admin

    def kill(self) -> None:
        """End it at once, with every connection it has."""
        self._command = command_line(self.pid)
        os.kill(self.pid, signal.SIGKILL)
        until(lambda: not alive(self.pid), "the API server to be gone")

    @contextmanager
    def again(self) -> Iterator[None]:
        """Run it while the block lasts, from the moment that it answers."""
        with self._log.open("a") as out:
            process = subprocess.Popen(
                self._command, stdout=out, stderr=subprocess.STDOUT, preexec_fn=die_with_parent
            )
        self.pid = process.pid
        try:
            until(self._ready, "the API server to be back")
            yield
        finally:
            end([process.pid])

    def _ready(self) -> bool:
        try:
            self._admin.call_api(
                "/readyz", "GET", auth_settings=["BearerToken"], _preload_content=False
            )
        except Exception:  # noqa: BLE001 (refused, reset, unauthorized: it is not there yet)
            return False
        return True


def test_restarts_and_a_void_token(
    own_server: ApiServer,
    postgresql_service: Postgresql,
    versitygw_service: Versitygw,
    tmp_path: Path,
) -> None:
    admin = admin_of(own_server)
    api, core = Api(admin), client.CoreV1Api(admin)
    kubeconfig = least_privilege(own_server, api, core, tmp_path)
    operator = Operator(kubeconfig, tmp_path / "operator.log")
    operator.start()
    world = World(api, postgresql_service, versitygw_service)
    team = world.ready_workspace()
    process = Restartable(own_server, admin)

    process.kill()
    with process.again():
        heals(world, team)
        world.edit_class({"guard": {"image": "mooring/runtime:2"}})
        world.converge(team)
        void_tokens(core)
        write_token(own_server, core, kubeconfig)
        # an API server remembers a token for ten seconds; a new one does not
        process.kill()
    with process.again():
        heals(world, team)
        assert operator.alive()
        world.close()
        assert operator.stop() == 0


def heals(world: World, namespace: str) -> None:
    """Assert that what is deleted comes back."""
    world.api.delete(CONFIG_MAP, namespace, "models-mlflow")
    until(lambda: world.api.get(CONFIG_MAP, namespace, "models-mlflow"), "the ConfigMap")

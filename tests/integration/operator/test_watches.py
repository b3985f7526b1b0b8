"""The API server goes away, and so does the token: the operator goes on, and misses nothing."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from kubernetes import client

from mooring_operator.kube import CONFIG_MAP, SECRET
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


class Restartable:
    """The process of the API server, which can be killed and started again."""

    def __init__(self, server: ApiServer, admin: client.ApiClient) -> None:
        self.pid = server.pids["kube-apiserver"]
        self._log = server.folder / "kube-apiserver.log"
        self._admin = admin
        self._port = int(server.url.rpartition(":")[2])

    def kill(self) -> None:
        """End it at once, with every connection it has."""
        self._command = command_line(self.pid)
        os.kill(self.pid, signal.SIGKILL)
        until(lambda: not alive(self.pid), "the API server to be gone")
        # the threads of a dead process may go on holding its socket for a while
        until(self._port_is_free, "its port to be free")

    @contextmanager
    def again(self) -> Iterator[None]:
        """Run it while the block lasts, from the moment that it answers."""
        with self._log.open("a") as out:
            process = subprocess.Popen(
                self._command, stdout=out, stderr=subprocess.STDOUT, preexec_fn=die_with_parent
            )
        self.pid = process.pid
        try:
            until(lambda: self._ready(process), "the API server to be back")
            yield
        finally:
            end([process.pid])

    def _port_is_free(self) -> bool:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self._port))
            except OSError:
                return False
        return True

    def _ready(self, process: subprocess.Popen[bytes]) -> bool:
        assert process.poll() is None, self._log.read_text()[-2000:]
        try:
            self._admin.call_api(
                "/readyz", "GET", auth_settings=["BearerToken"], _preload_content=False
            )
        except Exception:  # noqa: BLE001 (refused, reset, unauthorized: it is not there yet)
            return False
        return True


@dataclass
class Alone:
    """An operator with an API server of its own, which can go away."""

    world: World
    operator: Operator
    server: ApiServer
    core: client.CoreV1Api
    process: Restartable
    kubeconfig: Path


@pytest.fixture
def alone(
    postgresql_service: Postgresql, versitygw_service: Versitygw, tmp_path: Path
) -> Iterator[Alone]:
    with api_server() as server:
        admin = admin_of(server)
        api, core = Api(admin), client.CoreV1Api(admin)
        kubeconfig = least_privilege(server, api, core, tmp_path)
        operator = Operator(kubeconfig, tmp_path / "operator.log")
        operator.start()
        world = World(api, postgresql_service, versitygw_service)
        yield Alone(world, operator, server, core, Restartable(server, admin), kubeconfig)


def test_restarts_and_a_void_token(alone: Alone) -> None:
    world, process, operator = alone.world, alone.process, alone.operator
    team = world.ready_workspace()

    process.kill()
    with process.again():
        heals(world, team)
        world.edit_class({"guard": {"image": "mooring/runtime:2"}})
        world.converge(team)
        void_tokens(alone.core)
        write_token(alone.server, alone.core, alone.kubeconfig)
        # an API server remembers a token for ten seconds; a new one does not
        process.kill()
    with process.again():
        heals(world, team)
        assert operator.alive()
        world.close()
        assert operator.stop() == 0


def test_what_is_deleted_while_nobody_watches_is_noticed(alone: Alone) -> None:
    world, process, operator = alone.world, alone.process, alone.operator
    team = world.ready_workspace()
    operator.settle()

    os.kill(operator.pid, signal.SIGSTOP)
    process.kill()
    with process.again():
        # its watches went with the server, so nothing tells it of this
        world.api.delete(SECRET, team, "models-mlflow")
        process.kill()
    # a server that has just started cannot tell what was before it: 410 Gone
    with process.again():
        os.kill(operator.pid, signal.SIGCONT)
        until(lambda: world.api.get(SECRET, team, "models-mlflow"), "the Secret")
        # a watch of another kind may heal it first: each comes back in its own time
        until(lambda: "a watch lost its place" in operator.log.read_text(), "410 Gone to be told")
        assert operator.stop() == 0


def heals(world: World, namespace: str) -> None:
    """Assert that what is deleted comes back."""
    world.api.delete(CONFIG_MAP, namespace, "models-mlflow")
    until(lambda: world.api.get(CONFIG_MAP, namespace, "models-mlflow"), "the ConfigMap")

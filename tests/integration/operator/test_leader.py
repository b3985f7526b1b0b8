"""Two operators: one works, the other stands by, and takes over when the first one is gone."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from kubernetes import client

from mooring_operator.kube import CONFIG_MAP, LEASE
from tests.cluster.apiserver import api_server
from tests.integration.operator.api import Api
from tests.integration.operator.conftest import admin_of
from tests.integration.operator.process import NAMESPACE, Operator, least_privilege
from tests.integration.operator.world import World, until
from tests.services.postgresql import Postgresql
from tests.services.versitygw import Versitygw


@dataclass
class Pair:
    """Two operators on an API server without any other."""

    world: World
    first: Operator
    second: Operator

    def holder(self) -> str:
        """Return who holds the lease."""
        live = self.world.api.get(LEASE, NAMESPACE, "mooring") or {"spec": {}}
        return str(live["spec"].get("holderIdentity", ""))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, Path]]:
    """An API server for pairs of operators, and the kubeconfig that these have."""
    with api_server() as server:
        admin = admin_of(server)
        api, folder = Api(admin), tmp_path_factory.mktemp("pairs")
        yield api, least_privilege(server, api, client.CoreV1Api(admin), folder)


@pytest.fixture
def pair(
    cluster: tuple[Api, Path],
    postgresql_service: Postgresql,
    versitygw_service: Versitygw,
    tmp_path: Path,
) -> Iterator[Pair]:
    api, kubeconfig = cluster
    with ExitStack() as stack:
        operators = [
            Operator(kubeconfig, tmp_path / name, identity=name) for name in ("first", "second")
        ]
        for operator in operators:
            operator.start()
            stack.callback(operator.stop)
        world = World(api, postgresql_service, versitygw_service)
        with closing(world):
            yield Pair(world, *operators)


def test_the_other_one_goes_on_when_the_leader_is_killed(pair: Pair) -> None:
    world = pair.world
    world.make_class()
    teams = [world.namespace(f"team-{number}") for number in range(4)]
    for team in teams:
        world.make_workspace(team)
    until(lambda: pair.first.reconciles("MlflowWorkspace") > 2, "work to begin")
    assert pair.holder() == "first"
    assert not pair.second.leads()
    assert pair.second.reconciles() == 0, "one works at a time"

    pair.first.kill()
    killed = time.monotonic()
    until(pair.second.leads, "the other one to lead")
    assert time.monotonic() - killed > 5, "a leader that is merely slow keeps the lease"
    for team in teams:
        world.converge(team)
    assert pair.holder() == "second"


def test_a_leader_that_is_stopped_hands_over_at_once(pair: Pair) -> None:
    team = pair.world.ready_workspace()
    assert pair.first.stop() == 0
    assert pair.holder() in {"", "second"}, "nobody waits for the lease to run out"
    until(pair.second.leads, "the other one to lead")
    pair.first.start()
    assert pair.first.reconciles() == 0, "it stands by now"
    pair.world.edit_class({"server": {"image": "mooring/server:2"}})
    pair.world.converge(team)


def test_a_leader_that_slept_ends_without_a_write(pair: Pair) -> None:
    team = pair.world.ready_workspace()
    os.kill(pair.first.pid, signal.SIGSTOP)
    until(pair.second.leads, "the other one to lead")
    # the sleeper will be told of this when it wakes; the other one has answered it by then
    pair.world.api.delete(CONFIG_MAP, team, "models-mlflow")
    until(lambda: pair.world.api.get(CONFIG_MAP, team, "models-mlflow"), "the ConfigMap")
    pair.second.settle()
    before = pair.world.api.writes()
    os.kill(pair.first.pid, signal.SIGCONT)
    until(lambda: not pair.first.alive(), "the sleeper to end")
    made = pair.world.api.writes() - before
    assert not {what: n for what, n in made.items() if "leases" not in what}
    assert "another process holds the lease" in pair.first.log.read_text()
    assert pair.holder() == "second"

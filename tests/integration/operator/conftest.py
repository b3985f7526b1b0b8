"""A real API server, PostgreSQL and versitygw, and the operator as a process between them."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kubernetes import client, config

from mooring_operator.api.crd import custom_resource_definitions
from tests.cluster.apiserver import ApiServer, api_server
from tests.integration.definitions import define
from tests.integration.operator.api import Api
from tests.integration.operator.process import Operator, least_privilege
from tests.integration.operator.world import World
from tests.services.postgresql import Postgresql
from tests.services.versitygw import Versitygw

# Airflow writes its configuration there when it is first imported.
HOME = tempfile.TemporaryDirectory(prefix="mooring-airflow-")
os.environ["AIRFLOW_HOME"] = HOME.name


@pytest.fixture(scope="session")
def server() -> Iterator[ApiServer]:
    """An API server for the operator alone: it answers every binding that it sees."""
    with api_server() as running:
        yield running


@pytest.fixture(scope="session")
def admin(server: ApiServer) -> client.ApiClient:
    """Client that may do everything, of a server that knows our kinds."""
    return admin_of(server)


def admin_of(server: ApiServer) -> client.ApiClient:
    """Install our definitions and return a client that may do everything."""
    api = config.new_client_from_config(config_file=str(server.kubeconfig))
    define(api, custom_resource_definitions())
    return api


@pytest.fixture(scope="session")
def api(admin: client.ApiClient) -> Api:
    """The API server as a person with all rights sees it."""
    return Api(admin)


@pytest.fixture(scope="session")
def operator(
    server: ApiServer, api: Api, admin: client.ApiClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operator]:
    """The operator, with the rights that charts/mooring gives it."""
    folder: Path = tmp_path_factory.mktemp("operator")
    kubeconfig = least_privilege(server, api, client.CoreV1Api(admin), folder)
    running = Operator(kubeconfig, folder / "operator.log")
    running.start()
    yield running
    assert running.stop() == 0, running.log.read_text()


@pytest.fixture
def world(
    api: Api, operator: Operator, postgresql_service: Postgresql, versitygw_service: Versitygw
) -> Iterator[World]:
    """A part of everything that no other test touches."""
    with closing(World(api, postgresql_service, versitygw_service)) as made:
        yield made


@pytest.fixture(scope="module")
def healing_world(
    api: Api, operator: Operator, postgresql_service: Postgresql, versitygw_service: Versitygw
) -> Iterator[World]:
    """A part of everything for tests that leave it as they found it."""
    with closing(World(api, postgresql_service, versitygw_service)) as made:
        made.ready_workspace(server={"replicas": 2})
        yield made

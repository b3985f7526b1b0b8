"""What the chart tests share."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import config, dynamic

from tests.chart import schemas
from tests.chart.releases import Helm
from tests.chart.rendering import crds
from tests.cluster.apiserver import ApiServer


@pytest.fixture(scope="session")
def schema_folder(apiserver: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a schema for each kind of the API server and of our own definitions."""
    api = config.new_client_from_config(config_file=str(apiserver.kubeconfig))
    answer = dynamic.DynamicClient(api).request("get", "/openapi/v2", serialize=False)
    openapi = json.loads(answer.data)
    folder = tmp_path_factory.mktemp("schemas")
    schemas.write(schemas.of_api_server(openapi), folder)
    schemas.write(schemas.of_definitions(crds()), folder)
    return folder


@pytest.fixture
def helm(apiserver: ApiServer) -> Iterator[Helm]:
    """Helm on the API server; its release is uninstalled afterwards."""
    helm = Helm(apiserver.kubeconfig)
    yield helm
    helm.uninstall()

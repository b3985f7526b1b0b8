"""pytest fixtures: import them in a conftest.py."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import cluster
from tests.cluster.apiserver import ApiServer, api_server


@pytest.fixture(scope="session", name="apiserver")
def apiserver_fixture() -> Iterator[ApiServer]:
    """Yield a real API server without nodes, shared by all tests of the session."""
    with api_server() as server:
        yield server


@pytest.fixture(scope="session")
def kind_cluster() -> Path:
    """Return the kubeconfig of a cluster with a real node; made if it is not there, and kept."""
    return cluster.up()

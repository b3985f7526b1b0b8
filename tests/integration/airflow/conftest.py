"""One tracking server for all tests here, and an Airflow without a home of its own."""

import os
import tempfile
from collections.abc import Iterator

import pytest

from tests.integration.airflow.world import Workspace, workspace
from tests.services.versitygw import Versitygw

# Airflow reads its configuration when it is first imported.
HOME = tempfile.TemporaryDirectory(prefix="mooring-airflow-")
os.environ["AIRFLOW_HOME"] = HOME.name
os.environ["AIRFLOW_CONN_KUBERNETES_DEFAULT"] = '{"conn_type": "kubernetes"}'


@pytest.fixture(scope="session")
def team(versitygw_service: Versitygw) -> Iterator[Workspace]:
    with workspace(versitygw_service) as running:
        yield running

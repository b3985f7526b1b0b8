"""One API server of Airflow for all tests here, and one of MLflow that it has a connection to."""

import json
from collections.abc import Iterator

import pytest

from mooring import contract
from tests.integration.airflow.world import Workspace, workspace
from tests.integration.airflow_ui.stories import stories
from tests.integration.airflow_ui.world import PASSWORD_OF_MLFLOW, Airflow, airflow
from tests.services.process import closed_port
from tests.services.versitygw import Versitygw


@pytest.fixture(scope="session")
def team(versitygw_service: Versitygw) -> Iterator[Workspace]:
    with workspace(versitygw_service) as running:
        yield running


@pytest.fixture(scope="session")
def ui(team: Workspace) -> Iterator[Airflow]:
    hosts = {
        "team-a": team.url.replace("//", f"//reader:{PASSWORD_OF_MLFLOW}@"),
        "down": f"http://127.0.0.1:{closed_port()}",
    }
    connections = {
        f"AIRFLOW_CONN_{contract.connection_id(name).upper()}": json.dumps(
            {"conn_type": "http", "host": host}
        )
        for name, host in hosts.items()
    }
    with airflow(stories(team), connections) as running:
        yield running

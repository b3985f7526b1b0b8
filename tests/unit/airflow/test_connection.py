"""The tracking server as a connection of Airflow, put together again as HttpHook does."""

from typing import Any

import pytest
from airflow.models.connection import Connection

from mooring import contract
from mooring_operator.plan.airflow import connection_value


def read(**environment: str) -> Any:
    return Connection.from_json(connection_value(environment))


def test_our_own_server() -> None:
    found = read(MLFLOW_TRACKING_URI="http://models-mlflow.team.svc:5000")
    assert (found.conn_type, found.schema, found.port) == ("http", "http", 5000)
    assert found.host == "models-mlflow.team.svc"
    assert (found.login, found.password, found.extra_dejson) == (None, None, {})


def test_a_path_is_kept() -> None:
    found = read(MLFLOW_TRACKING_URI="https://example.com:8443/mlflow")
    assert (found.host, found.port) == ("https://example.com:8443/mlflow", None)


@pytest.mark.parametrize(
    ("login", "headers"),
    [
        ({contract.TRACKING_USERNAME: "a", contract.TRACKING_PASSWORD: "b"}, {}),
        ({contract.TRACKING_TOKEN: "c"}, {"Authorization": "Bearer c"}),
    ],
)
def test_a_login_and_a_workspace_of_mlflow(login: dict[str, str], headers: dict[str, str]) -> None:
    inside = {contract.MLFLOW_WORKSPACE: "team-a"}
    found = read(MLFLOW_TRACKING_URI="https://mlflow.example.com", **login, **inside)
    assert found.login == login.get(contract.TRACKING_USERNAME)
    assert found.password == login.get(contract.TRACKING_PASSWORD)
    assert found.extra_dejson == {contract.MLFLOW_WORKSPACE_HEADER: "team-a", **headers}

"""The tracking server as a connection of Airflow: what the operator publishes, what people type."""

import base64
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import Connection

from mooring import contract
from mooring_airflow.connection import Server, parse_connection
from mooring_airflow.errors import MooringError
from mooring_operator.plan.airflow import connection_value
from tests.services.tls import issue


def published(**environment: str) -> Any:
    return Connection.from_json(connection_value(environment), conn_id="mlflow_team-a")


def typed(**fields: Any) -> Server:
    return parse_connection(Connection.from_json(json.dumps(fields), conn_id="mine"))


def test_our_own_server() -> None:
    found = published(MLFLOW_TRACKING_URI="http://models-mlflow.team.svc:5000")
    assert (found.conn_type, found.schema, found.port) == ("mlflow", "http", 5000)
    assert found.host == "models-mlflow.team.svc"
    assert (found.login, found.password, found.extra_dejson) == (None, None, {})
    assert parse_connection(found) == Server("http://models-mlflow.team.svc:5000", {})


def test_a_path_is_kept() -> None:
    found = published(MLFLOW_TRACKING_URI="https://example.com:8443/mlflow")
    # As HttpHook reads it: a host with a scheme is the whole URL.
    assert (found.host, found.port) == ("https://example.com:8443/mlflow", None)
    assert parse_connection(found).url == "https://example.com:8443/mlflow"


@pytest.mark.parametrize(
    ("login", "header"),
    [
        (
            {contract.TRACKING_USERNAME: "a", contract.TRACKING_PASSWORD: "b"},
            f"Basic {base64.b64encode(b'a:b').decode()}",
        ),
        ({contract.TRACKING_TOKEN: "c"}, "Bearer c"),
    ],
)
def test_a_login_and_a_workspace_of_mlflow(login: dict[str, str], header: str) -> None:
    inside = {contract.MLFLOW_WORKSPACE: "team-a"}
    found = published(MLFLOW_TRACKING_URI="https://mlflow.example.com", **login, **inside)
    assert found.login == login.get(contract.TRACKING_USERNAME)
    assert found.password == login.get(contract.TRACKING_PASSWORD)
    server = parse_connection(found)
    assert server.url == "https://mlflow.example.com"
    assert server.headers == {contract.MLFLOW_WORKSPACE_HEADER: "team-a", "Authorization": header}
    assert "team-a" not in repr(server), "headers hold logins"


def test_what_the_form_asks_for() -> None:
    extra = {"token": "t", "workspace": "team-a", "verify": True, "X-Proxy": "1"}
    server = typed(host="mlflow.example.com", schema="https", port=8443, extra=extra)
    assert server.url == "https://mlflow.example.com:8443"
    assert server.headers == {
        "X-Proxy": "1",
        "Authorization": "Bearer t",
        contract.MLFLOW_WORKSPACE_HEADER: "team-a",
    }
    assert server.verify is True
    assert typed(host="h", extra={"verify": False}).verify is False


@pytest.mark.parametrize(
    "uri",
    [
        "mlflow://u:p%40ss@mlflow.example.com:5000/https?workspace=team-a",
        "mlflow://https://u:p%40ss@mlflow.example.com:5000/?workspace=team-a",
    ],
)
def test_a_connection_written_as_a_uri(uri: str) -> None:
    found: Any = Connection.from_uri(uri, conn_id="mine")
    # Airflow keeps connections as URIs in its cache.
    again: Any = Connection.from_uri(found.get_uri(), conn_id="mine")
    assert parse_connection(found) == parse_connection(again)
    server = parse_connection(found)
    assert server.url == "https://mlflow.example.com:5000"
    assert server.headers["Authorization"] == f"Basic {base64.b64encode(b'u:p@ss').decode()}"


def test_certificates_of_a_private_authority(tmp_path: Path) -> None:
    issued = issue(tmp_path, "localhost")
    server = typed(host="https://localhost", extra={"ca_certificates": issued.ca})
    assert isinstance(server.verify, ssl.SSLContext)
    assert len(server.verify.get_ca_certs()) == 1, "no other is trusted"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "connection mine has no host: write the tracking server's URL there"),
        ({"host": "s3://bucket"}, "names s3://bucket, which is no address"),
        ({"host": "h", "login": "a", "extra": {"token": "t"}}, "has both a login and a token"),
        ({"host": "h", "extra": {"ca_certificates": "MII"}}, "paste the whole PEM"),
    ],
)
def test_what_cannot_be_read_is_told(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(MooringError, match=f"ConnectionUnusable: .*{message}"):
        typed(**fields)

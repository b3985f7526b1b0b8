"""`mooring serve`: a server that starts before its schema is there, and waits for it."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from mooring.migrate import BACKEND_STORE_URI
from tests.cluster.process import wait_until
from tests.services.postgresql import Postgresql
from tests.services.process import folder, free_port, service


def database(server: Postgresql) -> str:
    """Make an empty database; its URI."""
    name = f"serve_{free_port()}"
    address = f"{server.host}:{server.port}"
    psql(server, f"create database {name}")
    login = f"{server.username}:{server.password.replace(' ', '%20')}"
    return f"postgresql+psycopg2://{login}@{address}/{name}"


def psql(server: Postgresql, *statements: str) -> None:
    """Run statements as the administrator, each for itself."""
    where = {"PGPASSWORD": server.password, **os.environ}
    command = ["psql", "-qh", server.host, "-p", str(server.port), "-U", server.username]
    options = [word for statement in statements for word in ("-c", statement)]
    subprocess.run([*command, *options], env=where, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def environment(postgresql_service: Postgresql) -> dict[str, str]:
    return {
        BACKEND_STORE_URI: database(postgresql_service),
        "MLFLOW_HOST": "127.0.0.1",
        "MLFLOW_PORT": str(free_port()),
        "MLFLOW_WORKERS": "1",
        "MLFLOW_SERVE_ARTIFACTS": "false",
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": "s3://mlflow/team-a/team-a",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }


def mooring(command: str) -> list[str | Path]:
    return [Path(sys.executable).parent / "mooring", command]


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=60).status_code == 200
    except httpx.TransportError:
        return False


def test_waits_for_the_migration_and_then_serves(environment: dict[str, str]) -> None:
    url = f"http://127.0.0.1:{environment['MLFLOW_PORT']}"
    with folder() as home:
        log = home / "log"
        waiting = lambda: log.exists() and "waiting for schema" in log.read_text()  # noqa: E731
        with service(mooring("serve"), env=environment, log=log, ready=waiting):
            assert not answers(url), "without its schema it must not serve"
            subprocess.run(mooring("migrate"), env={**os.environ, **environment}, check=True)
            wait_until(lambda: answers(url), f"{url} to answer")
            where = f"{url}/api/2.0/mlflow/experiments/get?experiment_id=0"
            found = httpx.get(where, timeout=60).json()
    location = found["experiment"]["artifact_location"]
    assert location.startswith(environment["MLFLOW_DEFAULT_ARTIFACT_ROOT"])


def test_is_one_process_and_heeds_every_setting(environment: dict[str, str]) -> None:
    """MLflow's own command is two, and so are its imports; some settings are read by these."""
    url = f"http://127.0.0.1:{environment['MLFLOW_PORT']}"
    subprocess.run(mooring("migrate"), env={**os.environ, **environment}, check=True)
    with folder() as home:
        settings = {
            "MLFLOW_SERVER_ALLOWED_HOSTS": "127.0.0.1:*",
            "MLFLOW_EXPOSE_PROMETHEUS": str(home / "metrics"),
        }
        log = home / "log"
        with service(
            mooring("serve"), env=environment | settings, log=log, ready=lambda: answers(url)
        ) as server:
            found = httpx.get(f"{url}/api/2.0/mlflow/experiments/get?experiment_id=0", timeout=60)
            stranger = httpx.get(str(found.url), headers={"Host": "elsewhere"}, timeout=60)
            metrics = httpx.get(f"{url}/metrics", timeout=60)
            children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text()
    assert found.status_code == metrics.status_code == 200
    assert stranger.status_code == 403
    assert not children

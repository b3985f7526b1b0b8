"""A real API server of Airflow, under a path, with users of two teams and runs that tests tell."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from tests.services.process import answers, folder, free_port, service

DAGS: Final = Path(__file__).with_name("dags")
PREFIX: Final = "/airflow"
PASSWORD: Final = "correct horse"
PASSWORD_OF_MLFLOW: Final = "battery-staple"
USERS: Final = {"ann": "viewer:team-a", "bob": "op:team-b", "root": "admin"}


@dataclass(frozen=True, slots=True)
class TaskStory:
    """What a worker wrote of a task instance; `rendered` are its template fields."""

    task_id: str
    state: str
    map_index: int = -1
    try_number: int = 1
    rendered: Mapping[str, Any] = field(default_factory=lambda: {"binding": "team-a"})
    reference: Any = None


@dataclass(frozen=True, slots=True)
class Story:
    """What became of a DAG run."""

    run_id: str
    tasks: Sequence[TaskStory]
    state: str = "success"
    dag_id: str = "churn"


@dataclass(frozen=True, slots=True)
class Airflow:
    """A running API server."""

    origin: str

    @property
    def url(self) -> str:
        """Where its pages begin."""
        return self.origin + PREFIX

    def token(self, user: str) -> str:
        """What `user` gets for the password."""
        who = {"username": user, "password": PASSWORD}
        answer = httpx.post(f"{self.url}/auth/token", json=who, timeout=120)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def get(self, path: str, user: str | None = None) -> httpx.Response:
        """GET as `user` does whose browser has Airflow's cookie."""
        cookies = {"_token": self.token(user)} if user else {}
        return httpx.get(f"{self.url}/{path}", cookies=cookies, timeout=120)

    def page(self, run_id: str, user: str | None = None, dag_id: str = "churn") -> httpx.Response:
        """The page of a DAG run."""
        return self.get(f"mooring/dags/{dag_id}/runs/{run_id}", user)


@contextmanager
def airflow(stories: Sequence[Story], environment: Mapping[str, str]) -> Iterator[Airflow]:
    """Run an API server whose database holds `stories`; `environment` is added to its own."""
    with folder() as home:
        port = free_port()
        env = {**_environment(home, port), **environment}
        told = json.dumps([asdict(story) for story in stories])
        subprocess.run(
            [sys.executable, "-m", "tests.integration.airflow_ui.seed"],
            env={**os.environ, **env}, input=told, text=True, check=True,
        )  # fmt: skip
        command = [
            sys.executable, "-m", "airflow", "api-server",
            "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--apps", "core",
        ]  # fmt: skip
        with service(command, env=env, log=home / "api-server.log", ready=lambda: answers(port)):
            yield Airflow(f"http://127.0.0.1:{port}")


def _environment(home: Path, port: int) -> dict[str, str]:
    passwords = home / "passwords.json"
    passwords.write_text(json.dumps(dict.fromkeys(USERS, PASSWORD)))
    bundle = {
        "name": "team-a",
        "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
        "kwargs": {"path": str(DAGS)},
        "team_name": "team-a",
    }
    settings = {
        "CORE__LOAD_EXAMPLES": "false",
        # The default of 30 s is short where other tests have the processors.
        "CORE__DAGBAG_IMPORT_TIMEOUT": "120",
        "CORE__MULTI_TEAM": "true",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{u}:{role}" for u, role in USERS.items()),
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        # Longer than a person waits: other tests have the processors too.
        "MOORING__PAGE_TIMEOUT": "60",
        "DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle]),
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "API__BASE_URL": f"http://127.0.0.1:{port}{PREFIX}",
        "API_AUTH__JWT_SECRET": os.urandom(32).hex(),
        "API__SECRET_KEY": os.urandom(32).hex(),
    }
    return {"AIRFLOW_HOME": str(home)} | {f"AIRFLOW__{k}": v for k, v in settings.items()}

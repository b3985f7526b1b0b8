"""A server that asks for a login, as `mooring serve` starts it, and who may do what there."""

import os
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest
from airflow.sdk import Connection
from kubernetes import client, config

from mooring import contract, finding, guard
from mooring.guard.reasons import Reason
from mooring.migrate import BACKEND_STORE_URI
from mooring.passwords import ADMIN, Logins, minted
from mooring_operator.plan.airflow import connection_value
from tests.chart.rendering import crds
from tests.cluster.apiserver import ApiServer
from tests.cluster.process import wait_until
from tests.integration.airflow.bound import END, Bound
from tests.integration.airflow.kubelet import kubelet
from tests.integration.airflow.test_serve import database, mooring, psql
from tests.integration.airflow.world import (
    LOGIN,
    WORKSPACE,
    Workspace,
    binding_environment,
    of_the_store,
)
from tests.integration.definitions import define
from tests.services.postgresql import Postgresql
from tests.services.process import folder, free_port, service
from tests.services.versitygw import Versitygw

KEY = "a-key-that-signs"
OWNER, VISITOR = WORKSPACE, "team-b/guest"
LOG = """
import mlflow
with mlflow.start_run() as run:
    mlflow.log_metric("loss", 0.5)
    mlflow.log_text("weights", "model.txt")
print(run.info.run_id)
"""


@dataclass(frozen=True)
class Guarded:
    """A tracking server that asks for a login; `files` is the folder with key and logins."""

    team: Workspace
    files: Path
    database: str = field(repr=False)

    def call(
        self, user: str | None, path: str, body: Mapping[str, Any] | None = None, serial: int = 1
    ) -> httpx.Response:
        """Call the REST API as `user`; a GET when there is no body."""
        login = (user, minted(KEY, user, serial)) if user else None
        method, url = ("GET" if body is None else "POST"), f"{self.team.url}/api/2.0/mlflow/{path}"
        return httpx.request(method, url, json=body, auth=login, timeout=60)

    def pod(self, user: str) -> dict[str, str]:
        """What the pods of a user's binding are given."""
        login = {
            contract.TRACKING_USERNAME: user,
            contract.TRACKING_PASSWORD: minted(KEY, user, 1),
            contract.EXPERIMENT_NAME: user.replace("/", "-"),
        }
        return {**self.team.environment, **login}

    def publish(self, logins: Logins) -> None:
        """Write the logins as the kubelet does: another file takes the place of the first."""
        written = self.files / "next"
        written.write_text(logins.dumped())
        written.rename(self.files / contract.AUTH_LOGINS_FILE)

    def experiment(self, user: str, name: str) -> str:
        """The id of a new experiment of `user`."""
        answer = self.call(user, "experiments/create", {"name": name})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["experiment_id"])

    def run(self, user: str, experiment: str) -> httpx.Response:
        """Have `user` make a run."""
        return self.call(user, "runs/create", {"experiment_id": experiment, "start_time": 1})


@contextmanager
def guarded(store: Versitygw, uri: str, *, asks: bool = True) -> Iterator[Guarded]:
    """A server on the database at `uri` that keeps artifacts for its clients, in a folder.

    Without `asks` it is one as it is without spec.auth.
    """
    with folder() as home:
        files, port = home / "auth", free_port()
        files.mkdir()
        (files / contract.AUTH_KEY_FILE).write_text(KEY)
        url, root = f"http://127.0.0.1:{port}", contract.PROXIED_ROOT
        given = binding_environment(store, url, root)
        given = {name: value for name, value in given.items() if not of_the_store(name)}
        running = Guarded(Workspace(url, root, store, home, given), files, uri)
        running.publish(Logins(OWNER))
        environment = {
            BACKEND_STORE_URI: uri,
            "MLFLOW_HOST": "127.0.0.1",
            "MLFLOW_PORT": str(port),
            "MLFLOW_WORKERS": "1",
            "MLFLOW_SERVE_ARTIFACTS": "true",
            "MLFLOW_DEFAULT_ARTIFACT_ROOT": root,
            "MLFLOW_ARTIFACTS_DESTINATION": str(home / "artifacts"),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            **({contract.AUTH: str(files)} if asks else {}),
        }
        subprocess.run(mooring("migrate"), env={**os.environ, **environment}, check=True)

        def ready() -> bool:
            try:
                return httpx.get(f"{url}/health", timeout=60).status_code == 200
            except httpx.TransportError:
                return False

        with service(mooring("serve"), env=environment, log=home / "log", ready=ready):
            yield running


@pytest.fixture(scope="module")
def server(versitygw_service: Versitygw, postgresql_service: Postgresql) -> Iterator[Guarded]:
    with guarded(versitygw_service, database(postgresql_service)) as running:
        yield running


def test_without_it_anybody_reads_and_deletes(versitygw_service: Versitygw, tmp_path: Path) -> None:
    """The loss: a server that asks nobody, and a request from nobody."""
    with guarded(versitygw_service, f"sqlite:///{tmp_path}/mlflow.db", asks=False) as server:
        experiment = server.experiment(OWNER, "of-the-team")
        assert server.call(None, f"experiments/get?experiment_id={experiment}").status_code == 200
        body = {"experiment_id": experiment}
        assert server.call(None, "experiments/delete", body).status_code == 200


@pytest.mark.parametrize("path", ["experiments/search?max_results=1", "users/list"])
def test_nobody_gets_nothing(server: Guarded, path: str) -> None:
    assert server.call(None, path).status_code == 401


@pytest.mark.parametrize(
    "login",
    [
        (OWNER, "wrong"),
        (OWNER, minted("another-key", OWNER, 1)),
        (OWNER, minted(KEY, VISITOR, 1)),
        (OWNER, minted(KEY, OWNER, 0)),
        (ADMIN, ""),
        ("", ""),
        ("somebody", "password1234"),
    ],
)
def test_a_wrong_login_gets_nothing(server: Guarded, login: tuple[str, str]) -> None:
    url = f"{server.team.url}/api/2.0/mlflow/experiments/search?max_results=1"
    assert httpx.get(url, auth=login, timeout=60).status_code == 401
    assert httpx.get(url, headers={"authorization": "Bearer x"}, timeout=60).status_code == 401


def test_a_pod_logs_with_what_its_binding_publishes(server: Guarded) -> None:
    for user in (OWNER, VISITOR):
        with_login = replace(server.team, environment=server.pod(user))
        checked = with_login.mooring("guard")
        assert checked.returncode == 0, checked.stderr
        done = with_login.pod(LOG)
        assert done.returncode == 0, done.stderr
        run = server.call(OWNER, f"runs/get?run_id={done.stdout.splitlines()[-1]}").json()["run"]
        assert run["info"]["status"] == "FINISHED"
        assert run["info"]["user_id"]


def test_airflow_verifies_with_the_login_of_the_binding(
    server: Guarded, apiserver: ApiServer
) -> None:
    namespace = f"login-{uuid.uuid4().hex[:8]}"
    api, nodes = (
        config.new_client_from_config(config_file=str(apiserver.kubeconfig)) for _ in range(2)
    )
    define(api, crds())
    core = client.CoreV1Api(api)
    core.create_namespace({"metadata": {"name": namespace}})
    core.create_namespaced_service_account(namespace, {"metadata": {"name": "default"}})
    team = replace(server.team, environment=server.pod(OWNER))
    bound = Bound(api, namespace, str(apiserver.kubeconfig), team)
    bound.publish()
    bound.answer()
    context = bound.context()
    with kubelet(nodes, namespace):
        bound.task(END).execute(context)
    reference = bound.pushed[contract.XCOM_KEY]
    assert bound.runs(context) == [reference["run_id"]]
    run = team.api(f"runs/get?run_id={reference['run_id']}")["run"]
    tags = {tag["key"]: tag["value"] for tag in run["data"]["tags"]}
    assert tags[contract.TAG_VERIFIED] == "true"


def test_a_connection_of_airflow_logs_in(server: Guarded) -> None:
    pod, wrong = server.pod(OWNER), minted("another-key", OWNER, 1)
    good = Connection.from_json(connection_value(pod), conn_id="good")
    assert good.test_connection() == (True, f"MLflow {version('mlflow')} at {server.team.url}")
    forged = {**pod, contract.TRACKING_PASSWORD: wrong}
    passed, said = Connection.from_json(
        connection_value(forged), conn_id="forged"
    ).test_connection()
    assert not passed
    assert f"the tracking server {server.team.url} answered HTTP 401" in said
    assert wrong not in said


def test_garbage_collection_logs_in_as_the_admin(server: Guarded) -> None:
    done = replace(server.team, environment=server.pod(VISITOR)).pod(LOG)
    run_id = done.stdout.splitlines()[-1]
    assert server.call(OWNER, "runs/delete", {"run_id": run_id}).status_code == 200
    assert files_of(server, run_id)
    nobody = collected(server, dict.fromkeys(LOGIN, None))
    assert nobody.returncode != 0
    assert files_of(server, run_id), "without a login nothing goes"

    done = collected(server, dict(zip(LOGIN, (ADMIN, minted(KEY, ADMIN, 1)), strict=True)))
    assert done.returncode == 0, done.stderr
    assert not files_of(server, run_id)
    assert server.call(ADMIN, f"runs/get?run_id={run_id}").status_code == 404


def files_of(server: Guarded, run_id: str) -> list[Path]:
    """The artifacts of a run, where the server keeps them."""
    found = (server.team.folder / "artifacts").glob(f"*/{run_id}/**/*")
    return [path for path in found if path.is_file()]


def collected(server: Guarded, login: Mapping[str, str | None]) -> Any:
    """Run the command of the CronJob."""
    program = "import sys; from mlflow.cli import cli; cli(sys.argv[1:])"
    words = ("gc", "--older-than", "0s", "--tracking-uri", server.team.url)
    place = ("--artifacts-destination", str(server.team.folder / "artifacts"))
    environment = {
        BACKEND_STORE_URI: server.database,
        contract.TRACKING_URI: server.database,
        contract.HTTP_MAX_RETRIES: "0",
    }
    return server.team.pod(program, *words, *place, env={**environment, **login})


def test_a_guest_may_share_an_experiment_of_the_team(server: Guarded) -> None:
    """Its guard may write and read there, and not delete: the file of its check stays."""
    server.experiment(OWNER, "shared")
    guest = {**server.pod(VISITOR), contract.EXPERIMENT_NAME: "shared"}
    checked = replace(server.team, environment=guest).mooring("guard")
    assert checked.returncode == 0, checked.stderr


def test_the_canary_makes_the_round_trip(server: Guarded) -> None:
    done = replace(server.team, environment=server.pod(OWNER)).mooring("canary")
    assert done.returncode == 0, done.stderr


def test_another_bindings_user_reads_and_logs_but_deletes_only_its_own(server: Guarded) -> None:
    teams = server.experiment(OWNER, "teams")
    assert server.call(VISITOR, f"experiments/get?experiment_id={teams}").status_code == 200
    made = server.run(VISITOR, teams)
    assert made.status_code == 200, made.text
    for path, body in (
        ("experiments/delete", {"experiment_id": teams}),
        ("runs/delete", {"run_id": made.json()["run"]["info"]["run_id"]}),
    ):
        assert server.call(VISITOR, path, body).status_code == 403

    own = server.experiment(VISITOR, "guests")
    assert server.call(VISITOR, "experiments/delete", {"experiment_id": own}).status_code == 200


def test_the_workspaces_user_manages_what_others_made(server: Guarded) -> None:
    guests = server.experiment(VISITOR, "of-the-guest")
    run_id = server.run(VISITOR, guests).json()["run"]["info"]["run_id"]
    name = {"name": "model-of-the-guest"}
    assert server.call(VISITOR, "registered-models/create", name).status_code == 200
    assert server.call(OWNER, "runs/delete", {"run_id": run_id}).status_code == 200
    assert server.call(OWNER, "experiments/delete", {"experiment_id": guests}).status_code == 200


@pytest.mark.parametrize("user", [OWNER, VISITOR])
def test_only_the_admin_makes_users(server: Guarded, user: str) -> None:
    new = {"username": f"person-{user[-1]}", "password": "long-enough-12"}
    assert server.call(user, "users/create", new).status_code == 403
    assert server.call(ADMIN, "users/create", new).status_code == 200
    login = (new["username"], new["password"])
    url = f"{server.team.url}/api/2.0/mlflow/experiments/search?max_results=1"
    assert httpx.get(url, auth=login, timeout=60).status_code == 200
    assert httpx.get(url, auth=(login[0], "another-long-one"), timeout=60).status_code == 401


def test_a_withdrawn_user_is_refused_and_a_later_password_is_not(server: Guarded) -> None:
    user = "team-c/passing"
    search = "experiments/search?max_results=1"
    assert server.call(user, search).status_code == 200
    try:
        server.publish(Logins(OWNER, withdrawn={user: 2}))
        assert server.call(user, search).status_code == 401
        assert server.call(user, search, serial=2).status_code == 200
        assert server.call(OWNER, search).status_code == 200

        server.publish(Logins(OWNER, oldest=3))
        assert server.call(OWNER, search).status_code == 401
        assert server.call(OWNER, search, serial=3).status_code == 200
    finally:
        server.publish(Logins(OWNER))


def test_the_guard_tells_a_wrong_password_and_never_the_password(
    server: Guarded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "termination-log"
    monkeypatch.setattr(finding, "TERMINATION_LOG", log)
    wrong = minted("another-key", OWNER, 1)
    assert (
        guard.run({**server.pod(OWNER), contract.TRACKING_PASSWORD: wrong})
        == Reason.LOGIN_REFUSED.code
    )
    told = log.read_text()
    assert told.startswith("LoginRefused: the tracking server ")
    assert f"refuses the login of {OWNER!r} (HTTP 401)" in told
    assert wrong not in told

    assert guard.run(server.team.environment) == Reason.LOGIN_REFUSED.code
    assert "asks for a login, and this pod has none" in log.read_text()


def test_the_probe_needs_a_database_and_no_login(
    server: Guarded, postgresql_service: Postgresql
) -> None:
    url, head = server.team.url, {contract.PROBE_HEADER: "ready"}
    answer = httpx.get(url + contract.PROBE_PATH, headers=head, timeout=60)
    assert (answer.status_code, answer.text) == (200, "the database answers")
    for path in ("/api/2.0/mlflow/experiments/search?max_results=1", "/api/2.0/mlflow/users/list"):
        assert httpx.get(url + path, headers=head, timeout=60).status_code == 401

    def ready() -> int:
        return httpx.get(url + contract.PROBE_PATH, headers=head, timeout=60).status_code

    name = server.database.rpartition("/")[2]
    psql(
        postgresql_service,
        f"alter database {name} allow_connections false",
        f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'",  # noqa: S608
    )
    try:
        wait_until(lambda: ready() == 503, "the probe to fail")
    finally:
        psql(postgresql_service, f"alter database {name} allow_connections true")
    wait_until(lambda: ready() == 200, "the probe to succeed again")


def test_a_file_is_a_database_for_both(versitygw_service: Versitygw, tmp_path: Path) -> None:
    with guarded(versitygw_service, f"sqlite:///{tmp_path}/mlflow.db") as server:
        assert server.run(VISITOR, server.experiment(OWNER, "teams")).status_code == 200

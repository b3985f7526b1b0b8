"""A workspace on a tracking server that somebody else runs: a real one, as a process.

The guard and the canary run as processes too, with what the operator published.
"""

import base64
import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from mooring import contract
from mooring_airflow import identity
from mooring_airflow.binding import parse_binding
from mooring_airflow.binding_name import BindingName
from mooring_airflow.checks import Expectation
from mooring_airflow.errors import MooringError
from mooring_airflow.verify import verify
from mooring_operator.kube import (
    BINDING,
    CONFIG_MAP,
    DEPLOYMENT,
    JOB,
    KINDS,
    SECRET,
    SERVICE,
    WORKSPACE,
)
from tests.integration.airflow.world import run_as_pod, server_command
from tests.integration.operator import outside
from tests.integration.operator.api import Manifest, Refused
from tests.integration.operator.kubelet import complete, fail
from tests.integration.operator.process import Operator
from tests.integration.operator.world import World, decoded, until
from tests.services.process import answers, folder, free_port, service
from tests.services.tls import issue

MOORING = "from mooring.main import main; main()"
LOG = "import mlflow; mlflow.log_param('depth', 3)"
PASSWORD = "correct-horse-battery"
CANARY = "app.kubernetes.io/component=canary"


@dataclass(frozen=True)
class Server:
    """Somebody's tracking server."""

    url: str

    def call(self, path: str, body: Any = None, inside: str = "") -> Any:
        """Ask its API, in a workspace of MLflow's own if it has several."""
        headers = {contract.MLFLOW_WORKSPACE_HEADER: inside} if inside else {}
        method = "GET" if body is None else "POST"
        answer = httpx.request(method, self.url + path, json=body, headers=headers, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def experiments(self, inside: str = "") -> dict[str, str]:
        """Names of the experiments, and where each keeps its artifacts."""
        path = "/api/2.0/mlflow/experiments/search"
        found = self.call(path, {"max_results": 100}, inside)
        return {each["name"]: each["artifact_location"] for each in found["experiments"]}


@contextmanager
def tracking_server(
    root: str = contract.PROXIED_ROOT,
    *options: str,
    env: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run a tracking server that keeps artifacts itself, unless `root` names another place."""
    with folder() as home:
        port = free_port()
        proxied = str(home / "artifacts") if root == contract.PROXIED_ROOT else None
        environment = {
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            **(env or {}),
        }
        command = [*server_command(home, port, root, proxied), *options]
        log = home / "server.log"
        with service(command, env=environment, log=log, ready=lambda: answers(port)):
            yield Server(f"http://127.0.0.1:{port}")


@contextmanager
def login_before(
    server: Server, password: str, certificate: tuple[Path, Path] | None = None
) -> Iterator[str]:
    """Ask for a login before everything that goes to the server; where it is asked."""
    wanted = "Basic " + base64.b64encode(f"team-a:{password}".encode()).decode()

    class Gate(BaseHTTPRequestHandler):
        def _pass(self) -> None:
            if self.headers.get("authorization") != wanted:
                return self._answer(401, b"You are not authenticated")
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            kept = ("content-type", contract.MLFLOW_WORKSPACE_HEADER)
            headers = {key: self.headers[key] for key in kept if key in self.headers}
            url = server.url + self.path
            found = httpx.request(self.command, url, content=body, headers=headers, timeout=60)
            return self._answer(found.status_code, found.content)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _pass  # noqa: N815 (http.server's)

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tell nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Gate) as gate:
        if certificate is not None:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(*certificate)
            gate.socket = tls.wrap_socket(gate.socket, server_side=True)
        Thread(target=gate.serve_forever, daemon=True).start()
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{gate.server_port}"
        gate.shutdown()


@pytest.fixture(scope="module")
def proxying() -> Iterator[Server]:
    with tracking_server() as running:
        yield running


def external(uri: str, **fields: Any) -> dict[str, Any]:
    return {"external": {"uri": uri, **fields}}


def canary(world: World, namespace: str, before: str = "") -> Manifest:
    """The Job of the canary, another than the one called `before`."""

    def look() -> Manifest | None:
        found = world.api.list(JOB, namespace, CANARY)
        return next((job for job in found if job["metadata"]["name"] != before), None)

    job = until(look, "the canary")
    assert job is not None
    return job


def prove(
    world: World, namespace: str, job: Manifest, mounted: Mapping[str, str] | None = None
) -> str:
    """Run the containers of the canary's Job with what is published; what the first failure said.

    `mounted` says where the files are that a pod would mount.
    """
    pod = job["spec"]["template"]["spec"]
    environment = world.published(namespace, "models")
    for container in (*pod["initContainers"], *pod["containers"]):
        assert container["envFrom"] == [
            {"configMapRef": {"name": "models-mlflow"}}, {"secretRef": {"name": "models-mlflow"}}
        ]  # fmt: skip
        done = run_as_pod(environment, MOORING, *container["command"][1:], env=mounted)
        if done.returncode:
            said = done.stderr.strip().splitlines()[-1]
            fail(world.api, job, said)
            return said
    complete(world.api, job)
    return ""


def conditions(world: World, namespace: str) -> dict[str, str]:
    live = world.api.get(WORKSPACE, namespace, "models") or {}
    return {each["type"]: each["status"] for each in live["status"]["conditions"]}


def bound(world: World, server: dict[str, Any], **spec: Any) -> str:
    """A workspace on an external server, whose own binding is answered."""
    world.make_class()
    team = world.namespace("team")
    world.make_workspace(team, server=server, **spec)
    world.binding_is(team, "models", "True")
    return team


def test_a_server_that_keeps_the_artifacts(
    world: World, operator: Operator, proxying: Server
) -> None:
    world.make_class()
    world.edit_class(
        {"monitoring": {}, "exposure": {"host": "{name}.{namespace}.x", "ingress": {}}}
    )
    team = world.namespace("team")
    world.make_workspace(team, server=external(proxying.url), deletionPolicy="Delete")
    assert prove(world, team, canary(world, team)) == ""
    world.workspace_is(team, "True")
    assert conditions(world, team) == dict.fromkeys(
        ("Ready", "ArtifactStoreReady", "RoundTripVerified"), "True"
    )
    environment = world.published(team, "models")
    assert environment[contract.TRACKING_URI] == proxying.url
    assert environment[contract.ARTIFACT_ROOT] == contract.PROXIED_ROOT
    assert not [name for name in environment if name.startswith("AWS_") and "METADATA" not in name]
    live = world.api.get(WORKSPACE, team, "models") or {}
    assert live["status"]["url"] == proxying.url
    made = {kind.kind for kind in KINDS.values() if kind.namespaced and world.api.list(kind, team)}
    assert made == {"ConfigMap", "Job", "MlflowBinding", "MlflowWorkspace", "RoleBinding", "Secret",
                    "ServiceAccount"}  # fmt: skip
    assert not outside.user_exists(world, team)
    assert outside.databases(world, team) == []

    operator.settle()
    before, seen = world.api.writes(), operator.reconciles("MlflowWorkspace")
    world.api.patch(WORKSPACE, team, "models", {"metadata": {"annotations": {"a": "b"}}})
    until(lambda: operator.reconciles("MlflowWorkspace") > seen, "another look")
    operator.settle()
    assert world.api.writes() - before == {"PATCH mlflowworkspaces/": 1}

    # whatever became of the class's own services meanwhile
    world.drop_secret("store-admin")
    world.drop_secret("database-admin")
    world.api.delete(WORKSPACE, team, "models")
    until(lambda: world.api.get(WORKSPACE, team, "models") is None, "the workspace to go")
    assert "models" in proxying.experiments(), "what is on the server stays there"


def test_a_login_is_published_and_followed(
    world: World, operator: Operator, proxying: Server
) -> None:
    with login_before(proxying, PASSWORD) as uri:
        world.make_class()
        team = world.namespace("team")
        world.make_workspace(team, server=external(uri, secretRef={"name": "login"}))
        told = world.workspace_is(team, "SecretNotFound")
        assert "spec.server.external.secretRef" in told["message"]
        assert conditions(world, team) == dict.fromkeys(
            ("Ready", "ArtifactStoreReady", "RoundTripVerified"), "False"
        )
        login = {contract.TRACKING_USERNAME: "team-a", contract.TRACKING_PASSWORD: "not-the-one"}
        world.secret(team, "login", login)
        first = canary(world, team)
        said = prove(world, team, first)
        assert said.startswith("LoginRefused"), said
        assert "LoginRefused" in world.workspace_is(team, "Failed")["message"]

        world.secret(team, "login", login | {contract.TRACKING_PASSWORD: PASSWORD})

        def published() -> bool:
            return world.published(team, "models")[contract.TRACKING_PASSWORD] == PASSWORD

        until(published, "the right password")
        until(lambda: canary(world, team, before=first["metadata"]["name"]), "another canary")
        second = canary(world, team, before=first["metadata"]["name"])
        assert prove(world, team, second) == ""
        world.workspace_is(team, "True")
        assert_nowhere(world, PASSWORD)
        assert PASSWORD not in operator.log.read_text()


def assert_nowhere(world: World, secret: str) -> None:
    """No object of the API server but Secrets holds the value."""
    encoded = base64.b64encode(secret.encode()).decode()
    for kind in KINDS.values():
        for live in world.api.list(kind) if kind != SECRET else []:
            text = json.dumps(live)
            assert secret not in text, live["metadata"]
            assert encoded not in text, live["metadata"]


def test_a_workspace_of_mlflow(world: World) -> None:
    with tracking_server(contract.PROXIED_ROOT, "--enable-workspaces") as server:
        server.call("/api/3.0/mlflow/workspaces", {"name": "team-a"})
        team = bound(world, external(server.url, mlflowWorkspace="team-a"))
        environment = world.published(team, "models")
        unset = {contract.MLFLOW_WORKSPACE: None, contract.EXPERIMENT_NAME: "lost"}
        assert run_as_pod(environment, LOG, env=unset).returncode == 0
        assert "lost" in server.experiments("default"), "without us a run lands elsewhere, silently"

        assert prove(world, team, canary(world, team)) == ""
        world.workspace_is(team, "True")
        assert run_as_pod(environment, LOG).returncode == 0
        inside = server.experiments("team-a")
        assert inside["models"].startswith("mlflow-artifacts:/workspaces/team-a/")
        assert "models" not in server.experiments("default")

        tags = {"airflow.task_id": "train", **dict.fromkeys(identity.TRY_TAGS, "1")}
        context = {contract.RUN_CONTEXT: json.dumps(tags)}
        assert run_as_pod(environment, LOG, env=context).returncode == 0
        live = world.api.get(BINDING, team, "models") or {}
        binding = parse_binding(BindingName(team, "models"), live)
        found = verify(Expectation(binding, tags, ()))
        assert found.status == "FINISHED"
        with pytest.raises(MooringError, match="RunMissing"):
            verify(Expectation(replace(binding, mlflow_workspace=""), tags, ()))


def test_pods_that_write_to_the_class_s_store(world: World) -> None:
    world.make_class()
    team = world.namespace("team")
    root = f"s3://mlflow-{world.id}/{team}/models"
    with tracking_server(root, env=store_of(world)) as server:
        world.make_workspace(team, server=external(server.url), artifactAccess="Direct")
        job = canary(world, team)
        assert world.published(team, "models")[contract.ARTIFACT_ROOT] == root
        assert prove(world, team, job) == ""
        world.workspace_is(team, "True")
        world.api.delete(WORKSPACE, team, "models")
        until(lambda: not outside.user_exists(world, team), "the key to be revoked")


def store_of(world: World) -> dict[str, str]:
    """The store as the external server knows it."""
    service = world.versitygw
    return {
        contract.AWS_ACCESS_KEY_ID: service.access_key_id,
        contract.AWS_SECRET_ACCESS_KEY: service.secret_access_key,
        contract.AWS_REGION: service.region,
        contract.S3_ENDPOINT_URL: service.s3,
    }


def test_a_server_that_puts_artifacts_elsewhere_is_refused(world: World) -> None:
    with folder() as elsewhere, tracking_server(f"file://{elsewhere}") as server:
        team = bound(world, external(server.url))
        said = prove(world, team, canary(world, team))
        assert said.startswith("ExperimentElsewhere"), said
        for part in (f"at file://{elsewhere}/1, not under mlflow-artifacts:/",
                     "make the workspace anew with artifactAccess and artifactStore"):  # fmt: skip
            assert part in said
        assert "ExperimentElsewhere" in world.workspace_is(team, "Failed")["message"]


def test_what_is_made_for_it_is_healed(world: World, proxying: Server) -> None:
    team = bound(world, external(proxying.url))
    job = canary(world, team)
    world.api.delete(CONFIG_MAP, team, "models-mlflow")
    until(lambda: world.published(team, "models"), "the ConfigMap to be back")
    world.api.delete(JOB, team, job["metadata"]["name"])
    until(lambda: world.api.list(JOB, team, CANARY), "the canary to be back")
    for kind in (DEPLOYMENT, SERVICE):
        assert world.api.list(kind, team) == []


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"username": "a", "password": "b"}, "has the keys password, username; it must have"),
        ({contract.TRACKING_USERNAME: "a"}, "it must have MLFLOW_TRACKING_USERNAME and"),
        ({contract.TRACKING_TOKEN: "not-to-be-seen\n"}, "MLFLOW_TRACKING_TOKEN with white space"),
        (
            {contract.TRACKING_TOKEN: "a", contract.TRACKING_USERNAME: "b"},
            "one pod has one login; take MLFLOW_TRACKING_TOKEN out",
        ),
        (
            {contract.TRACKING_USERNAME: "a", contract.TRACKING_PASSWORD: "schlüssel"},
            "MLFLOW_TRACKING_PASSWORD has characters that are not ASCII",
        ),
        ({"ca.crt": "x"}, "key ca.crt: it cannot be read"),
    ],
    ids=["misnamed", "half", "line feed", "two", "not ASCII", "no certificate"],
)
def test_what_is_wrong_with_a_login_is_told(
    world: World, values: dict[str, str], told: str
) -> None:
    world.make_class()
    team = world.namespace("team")
    world.secret(team, "login", values)
    world.make_workspace(team, server=external("http://x", secretRef={"name": "login"}))
    found = world.workspace_is(team, "False")
    assert f"spec.server.external.secretRef: Secret {team}/login" in found["message"]
    assert told in found["message"]
    assert "not-to-be-seen" not in found["message"]


def test_authorities_of_the_server_reach_pods(
    world: World, proxying: Server, tmp_path: Path
) -> None:
    issued = issue(tmp_path, "127.0.0.1")
    ca = issued.ca
    with login_before(proxying, PASSWORD, issued.files) as uri:
        world.make_class()
        team = world.namespace("team")
        login = {contract.TRACKING_USERNAME: "team-a", contract.TRACKING_PASSWORD: PASSWORD}
        world.secret(team, "login", login | {contract.CA_FILE: ca})
        world.make_workspace(team, server=external(uri, secretRef={"name": "login"}))
        world.binding_is(team, "models", "True")
        files = decoded(world.api.get(SECRET, team, contract.files_name("models")))
        assert files == {contract.TRACKING_CA_FILE: ca}
        binding = world.api.get(BINDING, team, "models") or {}
        [volume] = binding["status"]["pod"]["volumes"]
        item = {"key": contract.TRACKING_CA_FILE, "path": contract.TRACKING_CA_FILE}
        assert volume["projected"]["sources"][0]["secret"]["items"] == [item]

        environment = world.published(team, "models")
        assert environment[contract.TRACKING_CERT_PATH] == contract.TRACKING_CA_PATH
        mounted = tmp_path / contract.TRACKING_CA_FILE
        mounted.write_text(ca)
        there = {contract.TRACKING_CERT_PATH: str(mounted)}
        assert prove(world, team, canary(world, team), there) == ""
        refused = run_as_pod(environment, MOORING, "guard", env={contract.TRACKING_CERT_PATH: None})
        assert "ServerUntrusted" in refused.stderr, "public authorities do not vouch for it"


def test_what_would_leave_runs_behind_is_refused(world: World) -> None:
    team = world.namespace("team")
    world.make_workspace(team, server=external("http://x", mlflowWorkspace="team-a"))
    world.make_workspace(team, "ours")

    def patch(name: str, server: dict[str, Any]) -> None:
        world.api.patch(WORKSPACE, team, name, {"spec": {"server": server}})

    with pytest.raises(Refused, match="external cannot be set or removed later"):
        patch("models", {"external": None})
    with pytest.raises(Refused, match="external cannot be set or removed later"):
        patch("ours", external("http://x"))
    with pytest.raises(Refused, match="mlflowWorkspace cannot be changed"):
        patch("models", external("http://x", mlflowWorkspace="team-b"))
    patch("models", external("https://x"))

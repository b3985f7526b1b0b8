"""MlflowHook against a real tracking server, by every way that leads to one."""

import http.server
import json
import ssl
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import pytest
from airflow.providers.cncf.kubernetes.secrets import kubernetes_secrets_backend
from airflow.sdk import Connection
from kubernetes import client, config

from mooring import contract
from mooring_airflow.client import ServerRefused
from mooring_airflow.hooks import MlflowHook
from mooring_operator.plan.airflow import CONNECTION_LABEL, VALUE_KEY, connection_value
from tests.chart.rendering import crds
from tests.cluster.apiserver import ApiServer
from tests.integration.airflow.bound import Bound
from tests.integration.airflow.runs import Pod, task_tags
from tests.integration.airflow.world import Workspace
from tests.integration.definitions import define
from tests.services.process import closed_port
from tests.services.tls import issue

MLFLOW = version("mlflow")


@pytest.fixture
def hook(team: Workspace, monkeypatch: pytest.MonkeyPatch) -> MlflowHook:
    monkeypatch.setenv("AIRFLOW_CONN_MLFLOW_DEFAULT", connection_value(team.environment))
    return MlflowHook()


def test_the_button_says_what_answers(hook: MlflowHook, team: Workspace) -> None:
    assert hook.test_connection() == (True, f"MLflow {MLFLOW} at {team.url}")


def test_airflow_presses_the_button(team: Workspace) -> None:
    """As the form does: Airflow finds the hook by the connection's type."""
    connection = Connection.from_json(connection_value(team.environment), conn_id="typed")
    assert connection.test_connection() == (True, f"MLflow {MLFLOW} at {team.url}")


def pressed(**fields: object) -> tuple[bool, str]:
    connection = Connection.from_json(
        json.dumps({"conn_type": "mlflow", **fields}), conn_id=f"c{uuid.uuid4().hex}"
    )
    return connection.test_connection()


def test_the_button_says_that_nothing_listens() -> None:
    good, said = pressed(host=f"http://127.0.0.1:{closed_port()}")
    assert not good
    assert said.startswith("ServerUnreachable: the tracking server http://127.0.0.1:")


@contextmanager
def page(tls: tuple[Path, Path]) -> Iterator[str]:
    """Something that speaks https, and is no tracking server."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Page(http.server.BaseHTTPRequestHandler):
    """Answers everything with a page."""

    def do_POST(self) -> None:
        """Answer."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>Sign in</html>")

    def log_message(self, *said: object) -> None:
        """Say nothing."""


def test_the_button_checks_the_certificate(tmp_path: Path) -> None:
    issued = issue(tmp_path, "localhost")
    with page(issued.files) as url:
        good, said = pressed(host=url)
        assert not good
        assert "CERTIFICATE_VERIFY_FAILED" in said
        for extra in ({"ca_certificates": issued.ca}, {"verify": False}):
            assert pressed(host=url, extra=extra) == (
                False,
                f"NoTrackingServer: {url} answered, but not with JSON as MLflow does: it is the "
                "address of something else, or of a page to log in.",
            )


def test_runs(hook: MlflowHook, team: Workspace) -> None:
    pod = Pod(team, task_tags("hook"))
    made = pod.start_run()
    for value in (0.5, 0.9):
        team.api(
            "runs/log-metric",
            {"run_id": made["run_id"], "key": "auc", "value": value, "timestamp": int(value * 10)},
        )
    found = hook.get_run(made["run_id"])
    assert (found.status, found.metrics) == ("RUNNING", {"auc": 0.9})
    tag = f"tags.`{contract.TAG_RUN_ID}` = '{pod.tags[contract.TAG_RUN_ID]}'"
    assert hook.search_runs(filter_string=tag) == [found]
    assert hook.search_runs(["Default"], filter_string=tag) == [found]
    with pytest.raises(ServerRefused, match=r"HTTP 404: .*no-such-experiment"):
        hook.search_runs(["no-such-experiment"])
    with pytest.raises(ServerRefused, match="HTTP 404: Run with id=gone not found"):
        hook.get_run("gone")


def test_versions_and_aliases(hook: MlflowHook, team: Workspace) -> None:
    pod, name = Pod(team, task_tags("hook")), f"model-{uuid.uuid4().hex[:8]}"
    assert hook.get_latest_version(name) is None
    assert hook.get_model_version_by_alias(name, "champion") is None
    model = pod.log_model(pod.start_run(), "model")
    team.api("registered-models/create", {"name": name})
    for _ in range(2):
        body = {"name": name, "source": f"models:/{model['model_id']}"}
        team.api("model-versions/create", {**body, "model_id": model["model_id"]})
    latest = hook.get_latest_version(name)
    assert latest is not None
    assert (latest.version, latest.model_id) == ("2", model["model_id"])
    assert hook.get_model_version(name, "2") == latest
    assert hook.get_model_version(name, "3") is None
    assert hook.get_model_version_by_alias(name, "champion") is None
    hook.set_alias(name, "champion", "1")
    holder = hook.get_model_version_by_alias(name, "champion")
    assert holder is not None
    assert holder.uri == f"models:/{name}/1"
    hook.delete_alias(name, "champion")
    assert hook.get_model_version_by_alias(name, "champion") is None


@pytest.fixture
def namespace(apiserver: ApiServer) -> str:
    """The name of a namespace that no other test has."""
    core = client.CoreV1Api(config.new_client_from_config(config_file=str(apiserver.kubeconfig)))
    name = f"airflow-{uuid.uuid4().hex[:8]}"
    core.create_namespace({"metadata": {"name": name}})
    return name


def test_a_binding_needs_no_connection(
    team: Workspace, apiserver: ApiServer, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig = str(apiserver.kubeconfig)
    api = config.new_client_from_config(config_file=kubeconfig)
    define(api, crds())
    Bound(api, namespace, kubeconfig, team).answer()
    reach = {"conn_type": "kubernetes", "extra": {"kube_config_path": kubeconfig}}
    monkeypatch.setenv("AIRFLOW_CONN_NODE", json.dumps(reach))
    hook = MlflowHook(binding=f"{namespace}/team-a", kubernetes_conn_id="node")
    assert hook.test_connection() == (True, f"MLflow {MLFLOW} at {team.url}")
    absent = MlflowHook(binding=f"{namespace}/absent", kubernetes_conn_id="node")
    good, said = absent.test_connection()
    assert not good
    assert said.startswith(f"BindingMissing: there is no MlflowBinding {namespace}/absent")


def test_the_secret_of_a_binding(
    team: Workspace, apiserver: ApiServer, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through Airflow's Kubernetes secrets backend, which reads as a pod would."""
    kubeconfig = str(apiserver.kubeconfig)
    core = client.CoreV1Api(config.new_client_from_config(config_file=kubeconfig))
    labels = {CONNECTION_LABEL: contract.connection_id("team-a")}
    core.create_namespaced_secret(
        namespace,
        {
            "metadata": {"name": contract.connection_name("team-a"), "labels": labels},
            "stringData": {VALUE_KEY: connection_value(team.environment)},
        },
    )
    # What load_kube_config sets for the whole process goes when the test is over.
    monkeypatch.setattr(client.Configuration, "_default", None)
    # The only thing that is not as in a pod: there is no service account here.
    monkeypatch.setattr(
        kubernetes_secrets_backend,
        "load_incluster_config",
        lambda: config.load_kube_config(kubeconfig),
    )
    backend = f"{kubernetes_secrets_backend.__name__}.KubernetesSecretsBackend"
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND", backend)
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND_KWARGS", json.dumps({"namespace": namespace}))
    hook = MlflowHook(contract.connection_id("team-a"))
    assert hook.test_connection() == (True, f"MLflow {MLFLOW} at {team.url}")

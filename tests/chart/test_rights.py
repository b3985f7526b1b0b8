"""The operator lives on the rights that the chart gives it: the whole life of a workspace."""

import base64
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from kubernetes import client, config

from mooring.contract import GROUP, VERSION, published_name
from tests.chart.releases import NAMESPACE, Helm
from tests.chart.rendering import Manifest, class_values
from tests.cluster.apiserver import ApiServer
from tests.cluster.process import wait_until
from tests.services.postgresql import Postgresql
from tests.services.process import answers, free_port, service
from tests.services.versitygw import Versitygw

NOW = "2026-01-01T00:00:00Z"


def _values(postgresql: Postgresql, versitygw: Versitygw) -> dict[str, Any]:
    values = class_values()
    spec = values["class"]["spec"]
    s3, database = spec["artifactStore"]["s3"], spec["backendStore"]["postgresql"]
    s3 |= {
        "endpoint": versitygw.s3,
        "iam": {"endpoint": versitygw.iam},
        "sts": {"endpoint": versitygw.iam},
        "credentials": "Minted",
        "adminSecret": {"name": "store", "namespace": NAMESPACE},
    }
    database |= {
        "host": postgresql.host,
        "port": postgresql.port,
        "adminSecret": {"name": "database", "namespace": NAMESPACE},
    }
    return values


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a person and the controllers of Kubernetes would do here."""

    api: client.ApiClient
    team: str
    """Namespace of the workspace."""
    guest: str
    """Another namespace."""

    def create(self, namespace: str, kind: str, name: str, spec: dict[str, Any]) -> None:
        """Make an object of ours."""
        body = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        }
        client.CustomObjectsApi(self.api).create_namespaced_custom_object(
            GROUP, VERSION, namespace, f"{kind.lower()}s", body
        )

    def get(self, namespace: str, kind: str, name: str) -> Manifest:
        """Read an object of ours."""
        live: Manifest = client.CustomObjectsApi(self.api).get_namespaced_custom_object(
            GROUP, VERSION, namespace, f"{kind.lower()}s", name
        )
        return live

    def is_ready(self, namespace: str, kind: str, name: str) -> bool:
        """Whether its condition Ready is True."""
        conditions = self.get(namespace, kind, name).get("status", {}).get("conditions", [])
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    def finish_job(self, component: str) -> bool:
        """Have a Job of the component succeed, as a kubelet would; False while there is none."""
        batch = client.BatchV1Api(self.api)
        selector = f"app.kubernetes.io/component={component}"
        for job in batch.list_namespaced_job(self.team, label_selector=selector).items:
            met = [
                {"type": kind, "status": "True", "lastTransitionTime": NOW}
                for kind in ("SuccessCriteriaMet", "Complete")
            ]
            done = {"startTime": NOW, "completionTime": NOW, "succeeded": 1, "conditions": met}
            batch.patch_namespaced_job_status(job.metadata.name, self.team, {"status": done})
            return True
        return False

    def start_server(self) -> bool:
        """Have the tracking server run; False while it is not asked for."""
        apps = client.AppsV1Api(self.api)
        for deployment in apps.list_namespaced_deployment(self.team).items:
            counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
            status = dict.fromkeys(counts, 1)
            status["observedGeneration"] = deployment.metadata.generation
            apps.patch_namespaced_deployment_status(
                deployment.metadata.name, self.team, {"status": status}
            )
            return True
        return False


@dataclass(frozen=True, slots=True)
class Operator:
    """A running operator, and what it logged."""

    log: Path

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for `condition`, but not when the API server has refused something."""
        wait_until(lambda: bool(self.refused()) or condition(), what)
        assert self.refused() == ""

    def refused(self) -> str:
        """Return the log lines about what the operator may not do."""
        lines = self.log.read_text().splitlines()
        return "\n".join(line for line in lines if "forbidden" in line.lower())


def _kubeconfig_of_the_operator(apiserver: ApiServer, api: client.ApiClient, path: Path) -> Path:
    """Write a kubeconfig with the token that the operator's pod would get."""
    token = client.CoreV1Api(api).create_namespaced_service_account_token(
        "mooring", NAMESPACE, {"spec": {}}
    )
    kubeconfig = yaml.safe_load(apiserver.kubeconfig.read_text())
    kubeconfig["users"][0]["user"] = {"token": token.status.token}
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(kubeconfig))
    return path


@pytest.fixture
def cluster(
    helm: Helm, apiserver: ApiServer, postgresql_service: Postgresql, versitygw_service: Versitygw
) -> Iterator[Cluster]:
    """The chart is installed, and its class has the admin Secrets that it names."""
    helm.install(_values(postgresql_service, versitygw_service))
    api = config.new_client_from_config(config_file=str(apiserver.kubeconfig))
    core = client.CoreV1Api(api)
    store = {
        "AWS_ACCESS_KEY_ID": versitygw_service.access_key_id,
        "AWS_SECRET_ACCESS_KEY": versitygw_service.secret_access_key,
    }
    database = {"username": postgresql_service.username, "password": postgresql_service.password}
    for name, values in {"store": store, "database": database}.items():
        body = {"metadata": {"name": name}, "stringData": values}
        core.create_namespaced_secret(NAMESPACE, body)
    team, guest = (f"{who}-{uuid4().hex[:8]}" for who in ("team", "guest"))
    for name in (team, guest):
        core.create_namespace({"metadata": {"name": name}})
    yield Cluster(api, team, guest)
    for name in ("store", "database"):
        core.delete_namespaced_secret(name, NAMESPACE)


@pytest.fixture
def operator(cluster: Cluster, apiserver: ApiServer, tmp_path: Path) -> Iterator[Operator]:
    """The operator, running under the service account of the chart."""
    port, log = free_port(), tmp_path / "log"
    kubeconfig = _kubeconfig_of_the_operator(apiserver, cluster.api, tmp_path / "kubeconfig")
    with service(
        [sys.executable, "-m", "mooring_operator.main"],
        env={"KUBECONFIG": str(kubeconfig), "MOORING_HTTP_PORT": str(port)},
        log=log,
        ready=lambda: answers(port),
    ):
        yield Operator(log)


def test_the_whole_life_of_a_workspace(cluster: Cluster, operator: Operator) -> None:
    team, guest = cluster.team, cluster.guest
    cluster.create(team, "MlflowWorkspace", "iris", {"allowedNamespaces": {"from": "All"}})
    operator.until(lambda: cluster.finish_job("migrate"), "the migration")
    operator.until(cluster.start_server, "the tracking server")
    operator.until(lambda: cluster.finish_job("canary"), "the canary")
    operator.until(lambda: cluster.is_ready(team, "MlflowWorkspace", "iris"), "the workspace")

    reference = {"workspaceRef": {"name": "iris", "namespace": team}}
    cluster.create(guest, "MlflowBinding", "guest", reference)
    operator.until(lambda: cluster.is_ready(guest, "MlflowBinding", "guest"), "the binding")
    core, rbac = client.CoreV1Api(cluster.api), client.RbacAuthorizationV1Api(cluster.api)
    secret = core.read_namespaced_secret(published_name("guest"), guest)
    assert base64.b64decode(secret.data["AWS_ACCESS_KEY_ID"])
    (rights,) = rbac.list_namespaced_role_binding(guest).items
    assert rights.role_ref.name == "mooring-launcher"

    objects = client.CustomObjectsApi(cluster.api)
    binding = (GROUP, VERSION, guest, "mlflowbindings", "guest")
    objects.patch_namespaced_custom_object(*binding, {"spec": {"workspaceRef": {"name": "nobody"}}})
    operator.until(lambda: not core.list_namespaced_secret(guest).items, "the withdrawal")
    assert not rbac.list_namespaced_role_binding(guest).items

    workspaces = (GROUP, VERSION, team, "mlflowworkspaces")
    objects.delete_namespaced_custom_object(*workspaces, "iris")
    operator.until(
        lambda: not objects.list_namespaced_custom_object(*workspaces)["items"], "the deletion"
    )


def test_a_right_that_is_missing_is_noticed(cluster: Cluster, operator: Operator) -> None:
    rbac = client.RbacAuthorizationV1Api(cluster.api)
    rbac.delete_cluster_role_binding("mooring-operator")
    cluster.create(cluster.guest, "MlflowWorkspace", "iris", {})
    wait_until(lambda: bool(operator.refused()), "a refusal in the log")

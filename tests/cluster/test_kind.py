"""The cluster with a node, as pods and keyless credentials need it."""

import ipaddress
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.deliver import deliver
from tests.cluster.kind import ISSUER
from tests.cluster.process import run
from tests.cluster.tools import tool


class Namespace:
    """A namespace of one test."""

    def __init__(self, kubeconfig: Path) -> None:
        self.name = f"cluster-{uuid.uuid4().hex[:8]}"
        self.kubeconfig = kubeconfig

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl in the namespace and return its output."""
        options = ("--kubeconfig", str(self.kubeconfig), "--namespace", self.name)
        return run([tool("kubectl"), *options, *arguments], stdin=stdin)


@pytest.fixture
def namespace(kind_cluster: Path) -> Iterator[Namespace]:
    made = Namespace(kind_cluster)
    made.kubectl("create", "namespace", made.name)
    # Made by a controller; until then every pod of the namespace is refused.
    made.kubectl("wait", "serviceaccount/default", "--for=create", "--timeout=5m")
    yield made
    made.kubectl("delete", "namespace", made.name, "--wait=false")


def test_a_pod_without_root_writes_to_a_volume_of_the_default_class(namespace: Namespace) -> None:
    image = deliver(["runtime"])["runtime"]
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Mi"}},
        },
    }
    container = {
        "name": "main",
        "image": image,
        "command": ["sh", "-c", "id -u && echo kept > /data/file && cat /data/file"],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "writer"},
        "spec": {
            "restartPolicy": "Never",
            "securityContext": {"runAsUser": 12345, "runAsGroup": 12345, "runAsNonRoot": True},
            "containers": [container],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
        },
    }
    objects = json.dumps({"apiVersion": "v1", "kind": "List", "items": [claim, pod]})
    namespace.kubectl("apply", "-f", "-", stdin=objects)
    done = "--for=jsonpath={.status.phase}=Succeeded"
    namespace.kubectl("wait", "pod/writer", done, "--timeout=5m")
    assert namespace.kubectl("logs", "writer") == "12345\nkept\n"


def test_what_did_not_change_is_not_built_again(
    kind_cluster: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first = deliver(["runtime"])
    capfd.readouterr()
    assert deliver(["runtime"]) == first
    done = "".join(capfd.readouterr())
    assert "build" not in done
    assert "load" not in done


def test_the_token_issuer_is_one_that_versitygw_will_ask(namespace: Namespace) -> None:
    discovery = namespace.kubectl("get", "--raw", "/.well-known/openid-configuration")
    assert json.loads(discovery)["issuer"] == ISSUER
    service = json.loads(
        namespace.kubectl("get", "service", "kubernetes", "--namespace=default", "-o", "json")
    )
    address = ipaddress.ip_address(service["spec"]["clusterIP"])
    assert address in ipaddress.ip_network("100.64.0.0/10")

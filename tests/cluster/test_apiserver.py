"""The API server for tests: it is real, and it never outlives the test that opened it."""

import json
import signal
import subprocess
import sys

from tests.cluster.apiserver import ApiServer, api_server
from tests.cluster.kind import ISSUER
from tests.cluster.paths import CHECKOUT
from tests.cluster.process import alive, run, wait_until
from tests.cluster.tools import tool

OPENER = """
import json
from tests.cluster.apiserver import api_server
with api_server() as server:
    print(json.dumps(server.pids), flush=True)
    input()
"""


def kubectl(server: ApiServer, *arguments: str) -> str:
    return run([tool("kubectl"), "--kubeconfig", server.kubeconfig, *arguments])


def test_it_serves_what_the_project_needs(apiserver: ApiServer) -> None:
    kinds = kubectl(apiserver, "api-resources", "--output", "name").split()
    assert "mutatingadmissionpolicies.admissionregistration.k8s.io" in kinds
    discovery = kubectl(apiserver, "get", "--raw", "/.well-known/openid-configuration")
    assert json.loads(discovery)["issuer"] == ISSUER


def test_two_do_not_disturb_each_other(apiserver: ApiServer) -> None:
    with api_server() as other:
        kubectl(other, "create", "namespace", "only-there")
        assert "only-there" not in kubectl(apiserver, "get", "namespaces")
        pids = other.pids.values()
    assert not any(alive(pid) for pid in pids)
    assert kubectl(apiserver, "get", "--raw", "/readyz") == "ok"


def test_it_ends_with_a_killed_opener() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OPENER],
        cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as opener:  # fmt: skip
        assert opener.stdout is not None
        pids = json.loads(opener.stdout.readline()).values()
        assert all(alive(pid) for pid in pids)
        opener.send_signal(signal.SIGKILL)
        wait_until(lambda: not any(alive(pid) for pid in pids), "their end")

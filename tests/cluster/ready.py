"""When a cluster can be worked with."""

from pathlib import Path

from tests.cluster.process import ClusterError, run, succeeds, wait_until
from tests.cluster.report import stage
from tests.cluster.tools import tool

_SERVICES = (("kube-system", "coredns"), ("local-path-storage", "local-path-provisioner"))
"""Namespace and name of the Deployments that a cluster comes with, here and from kind itself."""
_DNS = "/api/v1/namespaces/kube-system/pods"


def _kubectl(kubeconfig: Path, *arguments: str) -> list[str | Path]:
    return [tool("kubectl"), "--kubeconfig", kubeconfig, *arguments]


def answers(kubeconfig: Path) -> bool:
    """Tell whether the API server is ready."""
    return succeeds(_kubectl(kubeconfig, "get", "--raw", "/readyz", "--request-timeout=5s"))


def wait_for_services(kubeconfig: Path) -> None:
    """Wait for cluster DNS and storage, at most five minutes each. Raises ClusterError."""
    for namespace, name in _SERVICES:
        status = ("rollout", "status", f"deployment/{name}", "--timeout=5m")
        run(_kubectl(kubeconfig, "--namespace", namespace, *status))
    # After a restart of the node the status above is of before it: ask the pods themselves.
    wait_until(lambda: _dns_answers(kubeconfig), "cluster DNS to be ready")


def _dns_answers(kubeconfig: Path) -> bool:
    selection = ("--namespace=kube-system", "--selector=k8s-app=kube-dns", "--output=name")
    names = run(_kubectl(kubeconfig, "get", "pods", *selection)).split()
    pods = [name.removeprefix("pod/") for name in names]
    return bool(pods) and all(
        succeeds(_kubectl(kubeconfig, "get", "--raw", f"{_DNS}/{pod}:8181/proxy/ready"))
        for pod in pods
    )


def wait_ready(kubeconfig: Path) -> bool:
    """Wait for a cluster that may just have been started again; False if it does not come."""
    if answers(kubeconfig):
        return True
    with stage("wait for the cluster"):
        try:
            wait_until(lambda: answers(kubeconfig), "the API server")
            wait_for_services(kubeconfig)
        except ClusterError:
            return False
    return True

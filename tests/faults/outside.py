"""What is done to the platform while pods train, and how it is undone.

Each is undone at the end of its block, and by `mend` where a run was killed before that.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Event, Thread
from typing import Final

from tests.cluster import cluster
from tests.cluster.process import wait_until
from tests.cluster.ready import answers, wait_for_services
from tests.demo.cluster import TIMEOUT, get, kubectl
from tests.demo.system import PLAYGROUND
from tests.e2e.workspaces import (
    OwnWorkspace,
    start_operator,
    start_server,
    stop_server,
    suspended,
)
from tests.faults import node
from tests.faults.world import MINTED

MINE: Final = OwnWorkspace(MINTED)
SERVER: Final = ("-n", MINTED, "-l", "app.kubernetes.io/component=server")
STORE: Final = ("sts", "versitygw", PLAYGROUND)
DATABASE: Final = ("sts", "postgresql", PLAYGROUND)
DNS: Final = ("deploy", "coredns", "kube-system")
REPLICAS: Final = "faults.mooring.dev/replicas"
"""Annotation of what was scaled down: how many it had."""
CUT_S: Final = 60
API_SERVER_S: Final = 600.0
"""In which the kubelet has another API server up, also one that it has begun to wait with."""
STANDS_STILL_S: Final = 5.0
ANSWERS_S: Final = 0.3

Breaking = Callable[[], AbstractContextManager[None]]
Scaled = tuple[str, str, str]
"""Kind, name and namespace."""


def mend() -> None:
    """Undo what a run that was killed left broken; does nothing where nothing is."""
    config = cluster.kubeconfig()
    wait_until(lambda: answers(config), "the API server", timeout=API_SERVER_S)
    start_operator()
    for what in (STORE, DATABASE, DNS):
        _scale_back(what)
    node.resume_store()
    node.empty_store(MINTED)


@contextmanager
def _server_down() -> Iterator[None]:
    with suspended(MINE):
        stop_server(MINTED)
        try:
            yield
        finally:
            start_server(MINTED)


@contextmanager
def _server_restarted() -> Iterator[None]:
    kubectl("delete", "pods", *SERVER, "--wait=false")
    yield
    kubectl("rollout", "status", "-n", MINTED, f"deploy/{MINTED}-mlflow", TIMEOUT)


@contextmanager
def _scaled_down(what: Scaled) -> Iterator[None]:
    """No pod of a StatefulSet or Deployment runs while the block does."""
    kind, name, namespace = what
    live = get(*what)["spec"]
    labels = ",".join(f"{k}={v}" for k, v in live["selector"]["matchLabels"].items())
    where = (f"{kind}/{name}", "-n", namespace)
    kubectl("annotate", *where, f"{REPLICAS}={live['replicas']}", "--overwrite")
    try:
        kubectl("scale", *where, "--replicas=0")
        kubectl("wait", "pods", "-n", namespace, "-l", labels, "--for=delete", TIMEOUT)
        yield
    finally:
        _scale_back(what)


def _scale_back(what: Scaled) -> None:
    kind, name, namespace = what
    replicas = get(*what)["metadata"].get("annotations", {}).get(REPLICAS)
    if replicas is None:
        return
    where = (f"{kind}/{name}", "-n", namespace)
    kubectl("scale", *where, f"--replicas={replicas}")
    kubectl("rollout", "status", *where, TIMEOUT)
    kubectl("annotate", *where, f"{REPLICAS}-")


def _store_down() -> AbstractContextManager[None]:
    return _scaled_down(STORE)


def _database_down() -> AbstractContextManager[None]:
    return _scaled_down(DATABASE)


@contextmanager
def _dns_down() -> Iterator[None]:
    """No name resolves in any pod."""
    with _scaled_down(DNS):
        yield
    wait_for_services(cluster.kubeconfig())


@contextmanager
def _network_cut() -> Iterator[None]:
    """For a minute no packet gets to the server; the node itself ends it."""
    address = kubectl("get", "pods", *SERVER, "-o", "jsonpath={.items[0].status.podIP}")
    node.cut(address, CUT_S)
    yield
    wait_until(lambda: not node.is_cut(address), "the network to be whole", timeout=4 * CUT_S)


@contextmanager
def _store_slow() -> Iterator[None]:
    """The store stands still for 5 s again and again, so most requests wait for so long."""
    stop = Event()

    def pausing() -> None:
        while not stop.is_set():
            node.pause_store()
            stop.wait(STANDS_STILL_S)
            node.resume_store()
            stop.wait(ANSWERS_S)

    thread = Thread(target=pausing)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def _store_full() -> Iterator[None]:
    """The store takes no object any more, and gives, lists and deletes what it has."""
    try:
        node.fill_store(MINTED)
        yield
    finally:
        node.empty_store(MINTED)


@contextmanager
def _api_server_restarted() -> Iterator[None]:
    """The API server is killed; the block begins when there is another one."""
    config = cluster.kubeconfig()
    killed = node.kill_api_server()
    wait_until(
        lambda: node.api_server() not in ("", killed) and answers(config),
        "another API server to be ready",
        timeout=API_SERVER_S,
    )
    yield


BREAKING: Final[Mapping[str, Breaking]] = {
    "nothing": nullcontext,
    "server down": _server_down,
    "server restarted": _server_restarted,
    "store down": _store_down,
    "store slow": _store_slow,
    "store full": _store_full,
    "database down": _database_down,
    "network cut": _network_cut,
    "DNS down": _dns_down,
    "API server restarted": _api_server_restarted,
}

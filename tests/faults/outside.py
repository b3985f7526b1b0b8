"""What is done to the platform while pods train, and how it is undone."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Event, Thread, Timer
from typing import Final

from tests.cluster import cluster, kind
from tests.demo.cluster import TIMEOUT, get, kubectl
from tests.demo.system import PLAYGROUND
from tests.e2e.workspaces import (
    OwnWorkspace,
    start_server,
    stop_server,
    suspended,
)
from tests.faults.world import MINTED

MINE: Final = OwnWorkspace(MINTED)
SERVER: Final = ("-n", MINTED, "-l", "app.kubernetes.io/component=server")
CUT_S: Final = 60.0
STANDS_STILL_S: Final = 5.0
ANSWERS_S: Final = 0.3

Breaking = Callable[[], AbstractContextManager[None]]


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
def _scaled_down(what: str, namespace: str, replicas: int) -> Iterator[None]:
    """No pod of a StatefulSet or Deployment runs while the block does."""
    where = ("-n", namespace)
    kind_, _, name = what.partition("/")
    selector = get(kind_, name, namespace)["spec"]["selector"]["matchLabels"]
    labels = ",".join(f"{key}={value}" for key, value in selector.items())
    kubectl("scale", what, *where, "--replicas=0")
    try:
        kubectl("wait", "pods", *where, "-l", labels, "--for=delete", TIMEOUT)
        yield
    finally:
        kubectl("scale", what, *where, f"--replicas={replicas}")
        kubectl("rollout", "status", what, *where, TIMEOUT)


def _store_down() -> AbstractContextManager[None]:
    return _scaled_down("sts/versitygw", PLAYGROUND, 1)


def _database_down() -> AbstractContextManager[None]:
    return _scaled_down("sts/postgresql", PLAYGROUND, 1)


@contextmanager
def _network_cut() -> Iterator[None]:
    """For a minute no packet gets to the server: by the iptables of the node's own namespace."""
    address = kubectl("get", "pods", *SERVER, "-o", "jsonpath={.items[0].status.podIP}")
    rule = ("FORWARD", "-d", f"{address}/32", "-j", "DROP")
    _on_the_node("iptables", "-I", *rule)
    mended = Timer(CUT_S, lambda: _on_the_node("iptables", "-D", *rule))
    mended.start()
    try:
        yield
    finally:
        mended.join()


@contextmanager
def _store_slow() -> Iterator[None]:
    """The store stands still for 5 s again and again, so most requests wait for so long."""
    stop = Event()

    def pausing() -> None:
        while not stop.is_set():
            _on_the_node("pkill", "-STOP", "-x", "versitygw")
            stop.wait(STANDS_STILL_S)
            _on_the_node("pkill", "-CONT", "-x", "versitygw")
            stop.wait(ANSWERS_S)

    thread = Thread(target=pausing)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _on_the_node(*command: str) -> str:
    place = cluster.current()
    return place.engine.docker("exec", kind.node_name(place.paths), *command)


BREAKING: Final[Mapping[str, Breaking]] = {
    "nothing": nullcontext,
    "server down": _server_down,
    "server restarted": _server_restarted,
    "store down": _store_down,
    "store slow": _store_slow,
    "database down": _database_down,
    "network cut": _network_cut,
}

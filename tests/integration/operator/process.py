"""The operator as a real process, and the account it runs as."""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import yaml
from kubernetes import client
from prometheus_client.parser import text_string_to_metric_families

from tests.chart.rendering import render
from tests.cluster.apiserver import ApiServer
from tests.cluster.process import PATIENCE_S
from tests.integration.operator.api import Api
from tests.services.process import free_port, service

NAMESPACE = "mooring-system"
ACCOUNT = "mooring"
CALM_S = 0.7
LEAN = """
import sys
# its image has none of these; kopf, psycopg and structlog import them when they are there, which
# takes seconds and 70 MB
sys.modules.update(kubernetes=None, kubernetes_asyncio=None, greenlet=None, rich=None)
"""
PROGRAM = f"""{LEAN}
from mooring_operator.main import main
main()
"""
RIGHTS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


@dataclass(frozen=True, slots=True)
class _Work:
    """How many keys wait or are worked on, and how many reconciles are over."""

    open: int
    over: int


class Operator:
    """The operator's process as in its image, which can be stopped, killed and started again."""

    def __init__(
        self, kubeconfig: Path, log: Path, program: str = PROGRAM, identity: str = ""
    ) -> None:
        """Keep what it is started with; `log` takes what every start of it writes.

        With an `identity` it takes the lease, and stands by while another has it.
        """
        self._kubeconfig = kubeconfig
        self._program = program
        self._identity = identity
        self._stack = ExitStack()
        self.log = log
        self.pid = 0

    def other(self, program: str) -> "Operator":
        """Return one that runs another program with the same rights."""
        return Operator(self._kubeconfig, self.log.with_name("other.log"), program)

    def start(self, patience: float = PATIENCE_S) -> None:
        """Return once it is ready: it has looked at everything, or stands by.

        Raises ClusterError after `patience` seconds.
        """
        port = free_port()
        self._url = f"http://127.0.0.1:{port}"
        environment = {
            "KUBECONFIG": str(self._kubeconfig),
            "MALLOC_ARENA_MAX": "2",
            "MOORING_HTTP_PORT": str(port),
            "MOORING_IDENTITY": self._identity,
            "MOORING_LEASE": f"{NAMESPACE}/mooring" if self._identity else "",
            "PYTHONUNBUFFERED": "1",
        }
        self._process = self._stack.enter_context(
            service(
                [sys.executable, "-c", self._program],
                log=self.log,
                ready=lambda: _answers(f"{self._url}/readyz"),
                env=environment,
                patience=patience,
            )
        )
        self.pid = self._process.pid

    def stop(self) -> int:
        """End it as the kubelet does; return its exit code."""
        self._stack.close()
        return int(self._process.returncode)

    def kill(self) -> None:
        """End it as the kernel does when memory runs out."""
        self._process.kill()
        self._process.wait()
        self._stack.close()

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def reconciles(self, kind: str | None = None) -> int:
        """Return how many objects (of `kind`) it has reconciled since it was started."""
        counts = self.metric("mooring_reconcile_seconds_count")
        return int(sum(value for labels, value in counts if kind in {None, labels["kind"]}))

    def leads(self) -> bool:
        """Whether it holds the lease."""
        return [value for _, value in self.metric("mooring_leader")] == [1.0]

    def metric(self, name: str) -> list[tuple[dict[str, str], float]]:
        """Return labels and value of each sample that it tells under a name."""
        return [(labels, value) for found, labels, value in self._samples() if found == name]

    def _samples(self) -> Iterator[tuple[str, dict[str, str], float]]:
        for family in text_string_to_metric_families(self.answer("/metrics")):
            for sample in family.samples:
                yield sample.name, sample.labels, sample.value

    def answer(self, path: str) -> str:
        """Return what it answers on its port; HTTPError where that says no."""
        with urlopen(f"{self._url}{path}", timeout=60) as answer:  # noqa: S310 (loopback)
            return str(answer.read().decode())

    def depth(self) -> int:
        """Return how many keys wait for a worker."""
        return sum(int(value) for _, value in self.metric("mooring_queue_depth"))

    def settle(self) -> None:
        """Return when it has had nothing to do, and nothing in hand, for `CALM_S` seconds."""
        calm_since, before = time.monotonic(), self._work()
        while before.open or time.monotonic() - calm_since < CALM_S:
            time.sleep(0.1)
            if (now := self._work()) != before or now.open:
                calm_since, before = time.monotonic(), now

    def _work(self) -> _Work:
        sums: Counter[str] = Counter()
        for name, _, value in self._samples():
            sums[name] += int(value)
        waiting, held = sums["mooring_queue_depth"], sums["mooring_queue_held"]
        return _Work(waiting + held, sums["mooring_reconcile_seconds_count"])

    def resident(self) -> int:
        """Return its resident memory in bytes."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=60) as answer:  # noqa: S310 (loopback)
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def least_privilege(server: ApiServer, api: Api, core: client.CoreV1Api, folder: Path) -> Path:
    """Install the rights of charts/mooring; return a kubeconfig that has them and no others."""
    manifests = [
        m for m in render("mooring", {"replicas": 2}, namespace=NAMESPACE) if m["kind"] in RIGHTS
    ]
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    for manifest in manifests:
        api.apply(manifest)
    path = folder / "kubeconfig"
    path.touch(mode=0o600)
    write_token(server, core, path)
    return path


def write_token(server: ApiServer, core: client.CoreV1Api, path: Path) -> None:
    """Write a kubeconfig with a new token of the operator's service account."""
    request = {"spec": {"expirationSeconds": 7200}}
    made = core.create_namespaced_service_account_token(ACCOUNT, NAMESPACE, request)
    config = yaml.safe_load(server.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": made.status.token}
    path.write_text(json.dumps(config))


def void_tokens(core: client.CoreV1Api) -> None:
    """Have no token of the operator's service account be worth anything any more."""
    core.delete_namespaced_service_account(ACCOUNT, NAMESPACE)
    core.create_namespaced_service_account(NAMESPACE, {"metadata": {"name": ACCOUNT}})

"""What one row runs on: an API server of its own, the services, the stand-in for the kubelet."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

from kubernetes import client

from mooring.contract import API_VERSION
from mooring_operator.kube import NAMESPACE, WORKSPACE
from mooring_operator.stores.protocol import DatabaseConnection, S3Connection
from tests.bench.operator.floor import Outside
from tests.bench.operator.kubelet import Kubelet, kubelet
from tests.bench.operator.wire import Manifest, Wire
from tests.cluster.apiserver import ApiServer, api_server
from tests.integration.operator.api import Api
from tests.integration.operator.conftest import admin_of
from tests.integration.operator.process import PROGRAM, Operator, least_privilege
from tests.integration.operator.world import World
from tests.services.postgresql import postgresql
from tests.services.versitygw import versitygw

Stores = Literal["answering", "minted"]

WORKSPACE_NAME: Final = "models"
MAKERS: Final = 8
TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class System:
    """Everything but the workspaces."""

    stores: Stores
    server: ApiServer
    kubeconfig: Path
    wire: Wire
    world: World
    operator: Operator
    kubelet: Kubelet
    uids: dict[str, str] = field(default_factory=dict)
    """Of the workspaces, by namespace."""

    def make_workspaces(self, count: int) -> None:
        """Make as many namespaces, and a workspace of the class in each."""
        names = [f"team-{number:04d}" for number in range(count)]
        with ThreadPoolExecutor(MAKERS) as threads:
            for name, live in zip(names, threads.map(self.make_workspace, names), strict=True):
                self.uids[name] = live["metadata"]["uid"]

    def make_workspace(self, namespace: str) -> Manifest:
        """Make a namespace and a workspace of the class in it."""
        self.make_namespace(namespace)
        return self.apply_workspace(namespace)

    def make_namespace(self, name: str) -> None:
        """Make a namespace."""
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        self.wire.create(NAMESPACE, manifest)

    def apply_workspace(self, namespace: str) -> Manifest:
        """Make the workspace of a namespace."""
        return self.wire.create(
            WORKSPACE,
            {
                "apiVersion": API_VERSION,
                "kind": "MlflowWorkspace",
                "metadata": {"name": WORKSPACE_NAME, "namespace": namespace},
                "spec": {"className": self.world.class_name},
            },
        )

    @property
    def outside(self) -> Outside | None:
        """What the floor asks beside the API server."""
        if self.stores == "answering":
            return None
        gateway, database = self.world.versitygw, self.world.postgresql
        store = S3Connection(
            endpoint=gateway.s3,
            iam_endpoint=gateway.iam,
            sts_endpoint=gateway.iam,
            region=gateway.region,
            bucket=f"mlflow-{self.world.id}",
            credentials="Minted",
            token_issuer=self.world.issuer,
            access_key_id=gateway.access_key_id,
            secret_access_key=gateway.secret_access_key,
        )
        return Outside(
            store,
            DatabaseConnection(
                host=database.host,
                port=database.port,
                ssl_mode="prefer",
                username=database.username,
                password=database.password,
            ),
        )

    def cpu(self) -> dict[str, float]:
        """Seconds of processor time so far, by process."""
        pids = {**self.server.pids, "kubelet": self.kubelet.pid}
        return {name: cpu_seconds(pid) for name, pid in pids.items()}


def cpu_seconds(pid: int) -> float:
    """Seconds of processor time that a process has used, its children left out."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def system(stores: Stores) -> Iterator[System]:
    """Run everything; the operator is ready to be started."""
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory(prefix="mooring-bench-")))
        server = running.enter_context(api_server())
        services = running.enter_context(postgresql()), running.enter_context(versitygw())
        admin = admin_of(server)
        api = Api(admin)
        kubeconfig = least_privilege(server, api, client.CoreV1Api(admin), folder)
        alone = "import tests.bench.operator.alone" if stores == "answering" else ""
        program = PROGRAM.replace(
            "from mooring_operator.main", f"{alone}\nfrom mooring_operator.main"
        )
        operator = Operator(kubeconfig, folder / "operator.log", program)
        # one name for the class of every run: the floor writes what another run wrote
        world = World(api, *services, id="bench")
        world.make_class()
        playing = running.enter_context(kubelet(server.kubeconfig))
        wire = Wire(server.kubeconfig)
        try:
            yield System(stores, server, kubeconfig, wire, world, operator, playing)
        finally:
            if operator.pid:
                operator.stop()


def poll(seconds: float, deadline: float, what: str) -> None:
    """Wait a little; TimeoutError with `what` once `deadline` (monotonic) has passed."""
    if time.monotonic() > deadline:
        raise TimeoutError(f"waited too long for {what}")
    time.sleep(seconds)

"""Leader election: of several operators, the one that holds the lease works, the others wait.

The rules are client-go's (https://pkg.go.dev/k8s.io/client-go/tools/leaderelection): clocks of
different machines are never compared. A lease counts as given up when its record has not changed
for its duration on the clock of the one who watches it. The holder stops to write before that.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import structlog

from mooring_operator.kube import LEASE, Kind, KubeError, Manifest

log = structlog.get_logger()

DURATION_S: Final = 12
WRITE_S: Final = 9.0
"""How long after its last renewal a holder writes: less than the others wait."""
RENEW_S: Final = 3.0
LOOK_S: Final = 1.0


class LeaseServer(Protocol):
    """What a lease needs of the API server."""

    def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """See `Server.get`."""

    def create(self, manifest: Manifest) -> Manifest:
        """See `Server.create`."""

    def merge(self, live: Manifest, fields: dict[str, Any]) -> Manifest:
        """See `Server.merge`."""


class Lease:
    """The lease `namespace`/`name`, as the process called `identity` sees it.

    An identity is used by one process at a time: what a process of its name held is its own.
    """

    def __init__(self, server: LeaseServer, namespace: str, name: str, identity: str) -> None:
        self._server = server
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._stop = threading.Event()
        self._until = float("-inf")
        self._seen: tuple[str, float] | None = None
        self._keeper: threading.Thread | None = None

    def acquire(self, stop: threading.Event) -> bool:
        """Wait until the lease is held; False when `stop` was set before that."""
        while not stop.is_set():
            try:
                if self.attempt():
                    log.info("this process leads", identity=self._identity)
                    return True
            except KubeError as error:
                _explain(error)
            stop.wait(LOOK_S)
        return False

    def keep(self, lost: Callable[[], None]) -> None:
        """Renew the lease from now on; `lost` is called once somebody else holds it."""
        self._keeper = threading.Thread(target=self._keep, args=[lost], name="lease", daemon=True)
        self._keeper.start()

    def held(self) -> bool:
        """Whether this process may write: nobody else can hold the lease yet."""
        return time.monotonic() < self._until

    def led(self) -> bool:
        """Whether somebody holds the lease, as far as this process has seen."""
        return self.held() or (self._seen is not None and time.monotonic() < self._seen[1])

    def release(self) -> None:
        """Give the lease up, so that another process need not wait for its end."""
        self._stop.set()
        if self._keeper is not None:
            self._keeper.join()
        if not self.held():
            return
        self._until = float("-inf")
        try:
            live = self._server.get(LEASE, self._namespace, self._name)
            if live and live["spec"].get("holderIdentity") == self._identity:
                self._write(live, holder="")
        except KubeError as error:
            log.warning("the lease is left to run out", status=error.status, error=str(error))

    def attempt(self) -> bool:
        """Take or renew the lease; False where somebody else holds it. Raises KubeError."""
        started = time.monotonic()
        live = self._server.get(LEASE, self._namespace, self._name)
        if live is not None and self._is_held_by_another(live):
            return False
        self._write(live, holder=self._identity)
        self._until = started + WRITE_S
        return True

    def _is_held_by_another(self, live: Manifest) -> bool:
        spec, version = live.get("spec", {}), live["metadata"]["resourceVersion"]
        if not spec.get("holderIdentity") or spec["holderIdentity"] == self._identity:
            return False
        now = time.monotonic()
        if self._seen is None or self._seen[0] != version:
            self._seen = version, now + spec.get("leaseDurationSeconds", DURATION_S)
        return now < self._seen[1]

    def _write(self, live: Manifest | None, holder: str) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": holder, "leaseDurationSeconds": DURATION_S, "renewTime": now}
        before = live.get("spec", {}) if live else {}
        if before.get("holderIdentity") != holder:
            transitions = before.get("leaseTransitions", 0) + 1
            spec |= {"acquireTime": now, "leaseTransitions": transitions}
        if live is not None:
            # only if nobody wrote it meanwhile (409)
            version = live["metadata"]["resourceVersion"]
            self._server.merge(live, {"metadata": {"resourceVersion": version}, "spec": spec})
            return
        metadata = {"namespace": self._namespace, "name": self._name}
        manifest = {"apiVersion": LEASE.api_version, "kind": LEASE.kind}
        self._server.create({**manifest, "metadata": metadata, "spec": spec})

    def _keep(self, lost: Callable[[], None]) -> None:
        while not self._stop.wait(RENEW_S if self.held() else LOOK_S):
            try:
                # an API server that is away takes the lease from nobody: its holder waits with it
                if not self.attempt():
                    lost()
            except KubeError as error:
                _explain(error)


class Alone:
    """In the place of a lease where there is one process only: it always leads."""

    def acquire(self, stop: threading.Event) -> bool:
        """See `Lease.acquire`."""
        return not stop.is_set()

    def keep(self, lost: Callable[[], None]) -> None:
        """Nobody can take it."""

    def held(self) -> bool:
        """See `Lease.held`."""
        return True

    def led(self) -> bool:
        """See `Lease.led`."""
        return True

    def release(self) -> None:
        """Nobody waits for it."""


def _explain(error: KubeError) -> None:
    # 409: somebody else wrote it in between
    level = log.info if error.status == 409 else log.warning
    level("the lease is neither had nor renewed", status=error.status, error=str(error))

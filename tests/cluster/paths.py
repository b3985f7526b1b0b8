"""Where everything lies: caches shared by all checkouts, state of one cluster per checkout."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
"""Root of the checkout that this package belongs to."""

RUN_ROOT = Path("/run/mooring")
"""Sockets and pid files: on a tmpfs, so a reboot leaves none, and short enough for a socket."""


def cache_root() -> Path:
    """Return the folder of everything that is kept: `$XDG_CACHE_HOME/mooring`."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "mooring"


def cluster_name(checkout: Path = CHECKOUT) -> str:
    """Name the cluster after its checkout, so that two checkouts never share one.

    >>> cluster_name(Path("/srv/a")) != cluster_name(Path("/srv/b"))
    True
    """
    digest = hashlib.sha256(str(checkout).encode()).hexdigest()
    return f"mooring-{digest[:8]}"


@dataclass(frozen=True, slots=True)
class ClusterPaths:
    """Files and folders of one cluster."""

    name: str
    state: Path
    """Survives a reboot."""
    run: Path
    """Does not."""

    @classmethod
    def of(cls, name: str) -> "ClusterPaths":
        """Return the paths of the cluster `name`; nothing is created."""
        return cls(name=name, state=cache_root() / "clusters" / name, run=RUN_ROOT / name)

    @property
    def kubeconfig(self) -> Path:
        """Kubeconfig that works from the host."""
        return self.state / "kubeconfig"

    @property
    def ready(self) -> Path:
        """Record of a finished creation: written last, removed first."""
        return self.state / "ready.json"

    @property
    def logs(self) -> Path:
        """Output of the programs that were started."""
        return self.state / "logs"

    @property
    def docker_data(self) -> Path:
        """Data root of the cluster's own Docker engine."""
        return self.state / "docker"

    @property
    def docker_socket(self) -> Path:
        """Socket of the cluster's own Docker engine."""
        return self.run / "docker.sock"

    @property
    def network(self) -> Path:
        """Mount point of the cluster's network namespace (`ip netns`)."""
        return Path("/run/netns") / self.name

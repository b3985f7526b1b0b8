"""Clusters whose checkout is gone: the gigabyte that each leaves in the caches is dropped."""

from pathlib import Path

from tests.cluster.files import lock, remove, write
from tests.cluster.paths import CHECKOUT, ClusterPaths, cache_root
from tests.cluster.report import say

OWNER = "checkout"
"""File in a cluster's state: the path of the checkout that it belongs to."""


def claim(paths: ClusterPaths, checkout: Path = CHECKOUT) -> None:
    """Record whose cluster this is."""
    write(paths.state / OWNER, str(checkout))


def drop() -> None:
    """Drop what is kept of clusters that are down and whose checkout is not there any more."""
    for owner in sorted((cache_root() / "clusters").glob(f"*/{OWNER}")):
        paths = ClusterPaths.of(owner.parent.name)
        with lock(paths.name):
            if _is_orphan(paths, owner):
                say(f"dropping what is kept of {paths.name}: its checkout is gone")
                remove(paths.state)


def _is_orphan(paths: ClusterPaths, owner: Path) -> bool:
    if paths.run.exists() or paths.network.exists() or not owner.exists():
        return False
    return not Path(owner.read_text()).exists()

"""What is mounted where, and how it is taken away."""

import ctypes
import os
from pathlib import Path

from tests.cluster.process import ClusterError

_MNT_DETACH = 2
_LIBC = ctypes.CDLL(None, use_errno=True)


def _unescape(field: str) -> str:
    return field.encode().decode("unicode_escape")


def mounts_below(root: Path) -> list[Path]:
    """Return the mount points at or below `root`, the innermost first."""
    table = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [Path(_unescape(line.split()[4])) for line in table]
    return [point for point in reversed(points) if point.is_relative_to(root.absolute())]


def unmount_below(root: Path) -> None:
    """Unmount everything at or below `root`. Raises ClusterError when the kernel refuses."""
    for point in mounts_below(root):
        if _LIBC.umount2(os.fsencode(point), _MNT_DETACH) != 0:
            reason = os.strerror(ctypes.get_errno())
            raise ClusterError(f"{point}: cannot be unmounted: {reason}")

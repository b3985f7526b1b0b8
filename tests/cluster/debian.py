"""Debian file systems made from its packages, for machines that can pull no image."""

from collections.abc import Sequence
from pathlib import Path

from tests.cluster.files import digest_of, lock, new_file
from tests.cluster.paths import cache_root
from tests.cluster.process import run
from tests.cluster.report import stage

_SUITE = "bookworm"
_NO_DOCUMENTATION = tuple(
    f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "man", "locale")
)
_BASE = ("ca-certificates", "python3", "python3-pip", "python3-venv")


def debian_digest(packages: Sequence[str]) -> str:
    """Return the digest of what the file system with `packages` is made from."""
    return digest_of(_command(packages, Path("debian.tar")))


def debian_archive(packages: Sequence[str], *, what: str) -> Path:
    """Return a minimal Debian with `packages` as a .tar file, made when it is not there (30 s).

    `what` it is for is shown meanwhile.
    """
    target = cache_root() / "debian" / f"{debian_digest(packages)[:16]}.tar"
    with lock(target.stem):
        if not target.exists():
            with stage(f"make the Debian of {what}"), new_file(target) as part:
                run(_command(packages, part))
    return target


def _command(packages: Sequence[str], target: Path) -> list[str]:
    return [
        "mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}",
        *_NO_DOCUMENTATION, "--format=tar", _SUITE, str(target),
    ]  # fmt: skip


def base_digest() -> str:
    """Return the digest of what the images' base is made from."""
    return debian_digest(_BASE)


def base_archive() -> Path:
    """Return the file system of the images' base as a .tar file.

    Python 3.11 with pip and venv on Debian bookworm, as the public image that the Dockerfiles
    name by default.
    """
    return debian_archive(_BASE, what="the images")

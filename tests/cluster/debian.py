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


def bootstrap_command(packages: Sequence[str], target: Path) -> list[str]:
    """Return the command that makes a minimal Debian with `packages`: a folder, or a .tar file."""
    return [
        "mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}",
        *_NO_DOCUMENTATION, _SUITE, str(target),
    ]  # fmt: skip


def base_digest() -> str:
    """Return the digest of what the images' base is made of."""
    return digest_of(bootstrap_command(_BASE, Path("base.tar")))


def base_archive() -> Path:
    """Return the file system of the images' base as a .tar file, made when it is not there.

    Python 3.11 with pip and venv on Debian bookworm, as the public image that the Dockerfiles
    name by default.
    """
    target = cache_root() / "debian" / f"base-{base_digest()[:16]}.tar"
    with lock("debian-base"):
        if not target.exists():
            with stage("make the base of the images"), new_file(target) as part:
                archive = part.with_suffix(".tar")
                try:
                    run(bootstrap_command(_BASE, archive))
                    archive.rename(part)
                finally:
                    archive.unlink(missing_ok=True)
    return target

"""What the machine itself must have, installed from Debian's packages where that is possible."""

import os
import shutil
from pathlib import Path

from tests.cluster.cluster import pulls_images
from tests.cluster.engine import machine_engine
from tests.cluster.process import ClusterError, run
from tests.cluster.report import say, stage

_FOR_OWN_ENGINE = {
    "docker": "docker.io",
    "dockerd": "docker.io",
    "runc": "runc",
    "iptables": "iptables",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "sysctl": "procps",
}
"""Program and Debian package: what replaces a Docker engine."""
_FOR_OWN_IMAGES = {"mmdebstrap": "mmdebstrap", "buildah": "buildah", "skopeo": "skopeo"}
"""What replaces an image registry."""
_FOR_TESTS = {
    "/usr/lib/postgresql/15/bin/postgres": "postgresql-15",
    "npm": "npm",
    "chromium": "chromium",
}


def missing_packages() -> list[str]:
    """Return the Debian packages of the programs that are needed and not there."""
    programs = dict(_FOR_TESTS)
    found = machine_engine()
    if found is None:
        programs |= _FOR_OWN_ENGINE | _FOR_OWN_IMAGES
    elif not pulls_images(found):
        programs |= _FOR_OWN_IMAGES
    folders = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return sorted(
        {package for name, package in programs.items() if not shutil.which(name, path=folders)}
    )


def prepare() -> None:
    """Install what is missing.

    Raises ClusterError, naming what is missing, where this cannot be done for the user: Go, and
    everything when this is not root on Debian.
    """
    if shutil.which("go") is None:
        raise ClusterError("go: not found; install Go 1.26 or newer and have it in PATH")
    missing = missing_packages()
    if not missing:
        say("this machine has all that is needed")
        return
    if os.geteuid() != 0 or not Path("/etc/debian_version").exists():
        raise ClusterError(
            f"missing programs; their Debian packages are {' '.join(missing)}. Install them "
            "(as root: apt-get install …), or start a Docker engine that can pull images"
        )
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    with stage(f"install {' '.join(missing)}"):
        run(["apt-get", "update", "--quiet"], env=environment)
        run(["apt-get", "install", "--yes", "--no-install-recommends", *missing], env=environment)

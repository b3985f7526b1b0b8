"""The Docker engine: the machine's own where it works, else one of the cluster's.

The cluster's own engine lives in a network namespace that has nothing but loopback and Docker's
bridge: its iptables rules and addresses are not the machine's, and end with the namespace.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.files import remove, write
from tests.cluster.mounts import mounts_below, unmount_below
from tests.cluster.paths import RUN_ROOT, ClusterPaths
from tests.cluster.process import (
    ClusterError,
    alive,
    all_pids,
    command_line,
    end,
    run,
    start_daemon,
    succeeds,
    wait_until,
)

_CGROUPS = Path("/sys/fs/cgroup")
_MODULES = Path("/lib/modules")
_MADE_MODULES = RUN_ROOT / "made-lib-modules"
_PROGRAMS = {"dockerd", "containerd", "containerd-shim-runc-v2", "docker-proxy"}
_RUNC = Path(__file__).parent / "runc_nocap.py"


@dataclass(frozen=True, slots=True)
class Engine:
    """A Docker engine that answers."""

    env: dict[str, str]
    """What the docker and kind programs need to reach it."""
    own: bool
    """Whether it was started for the cluster."""

    def environment(self) -> dict[str, str]:
        """Return the whole environment of a program that is to reach it."""
        return {**os.environ, **self.env}

    def docker(self, *arguments: str | Path) -> str:
        """Run a docker command and return its output."""
        return run(["docker", *arguments], env=self.env)


def machine_engine() -> Engine | None:
    """Return the Docker engine that the machine offers already, if it answers."""
    if succeeds(["docker", "version", "--format", "{{.Server.Version}}"]):
        return Engine(env={}, own=False)
    return None


def own_engine(paths: ClusterPaths) -> Engine:
    """Return the engine of the cluster; whether it runs is not looked at."""
    return Engine(env={"DOCKER_HOST": f"unix://{paths.docker_socket}"}, own=True)


def inside(paths: ClusterPaths) -> list[str]:
    """Return the prefix of a command that runs in the network namespace of the cluster."""
    # `ip netns exec` would also remount /sys, which hides the cgroups from Docker.
    return ["nsenter", f"--net={paths.network}"]


def answers(engine: Engine) -> bool:
    """Tell whether the engine answers."""
    return succeeds(["docker", "version", "--format", "{{.Server.Version}}"], env=engine.env)


def start(paths: ClusterPaths) -> None:
    """Start the engine of the cluster, which does not run.

    What a killed engine left behind is cleared away first. Raises ClusterError when it does not
    answer.
    """
    engine = own_engine(paths)
    if os.geteuid() != 0:
        raise ClusterError(
            "no Docker engine answers (`docker version` fails), and only root can start one: "
            "start Docker, set DOCKER_HOST, or run this as root"
        )
    clear(paths)
    paths.run.mkdir(parents=True)
    _prepare_machine()
    run(["ip", "netns", "add", paths.name])
    run([*inside(paths), "ip", "link", "set", "lo", "up"])
    run([*inside(paths), "sysctl", "-qw", "net.ipv4.ip_forward=1"])
    pid = start_daemon(_dockerd(paths), log=paths.logs / "dockerd.log")
    wait_until(lambda: answers(engine) or not alive(pid), "the Docker engine to answer")
    if not alive(pid):
        log = paths.logs / "dockerd.log"
        lines = log.read_text(errors="replace").splitlines()[-10:]
        raise ClusterError("\n".join([f"the Docker engine ended at once ({log}):", *lines]))


def _dockerd(paths: ClusterPaths) -> list[str | Path]:
    return [
        *inside(paths), "dockerd",
        "--data-root", paths.docker_data, "--exec-root", paths.run / "docker",
        "--pidfile", paths.run / "docker.pid", "--host", f"unix://{paths.docker_socket}",
        "--storage-driver", "overlay2", "--cgroup-parent", f"/{paths.name}",
        "--add-runtime", f"nocap={_runtime(paths)}", "--default-runtime", "nocap",
    ]  # fmt: skip


def _runtime(paths: ClusterPaths) -> Path:
    target = paths.run / "runc"
    write(target, f"#!{sys.executable} -IS\n{_RUNC.read_text()}", mode=0o755)
    return target


def _prepare_machine() -> None:
    """Make what kind's node needs of the machine and a bare one lacks."""
    hierarchy = _CGROUPS / "systemd"
    unified = (_CGROUPS / "cgroup.controllers").exists()
    if not unified and not hierarchy.is_mount():
        # systemd in the node cannot create it: the node sees its own part of the cgroups only.
        hierarchy.mkdir(exist_ok=True)
        run(["mount", "-t", "cgroup", "-o", "none,name=systemd", "systemd", hierarchy])
        (RUN_ROOT / "made-systemd-cgroup").touch()
    if not _MODULES.exists():  # kind mounts it into the node
        _MODULES.mkdir()
        _MADE_MODULES.touch()


def has_network(paths: ClusterPaths) -> bool:
    """Tell whether the cluster's network namespace is there."""
    return paths.network in mounts_below(paths.network)


def clear(paths: ClusterPaths) -> None:
    """End every process of the engine and its containers; take mounts, sockets, network away.

    Works on whatever is there, also after a kill. The engine's data stays.
    """
    end([pid for pid in _processes(paths) if _program(pid) == "dockerd"])
    end(list(_processes(paths)), grace=0)  # containers, whose init would take its time
    for root in (paths.run, paths.docker_data):
        unmount_below(root)
    remove(paths.run)
    _remove_cgroups(paths.name)
    if has_network(paths):
        run(["ip", "netns", "delete", paths.name])
    remove(paths.network)


def restore_machine() -> None:
    """Undo what was made on the machine, when no cluster is left that needs it."""
    if any(path.is_dir() and path.name.startswith("mooring-") for path in RUN_ROOT.glob("*")):
        return
    hierarchy = RUN_ROOT / "made-systemd-cgroup"
    if hierarchy.exists():
        unmount_below(_CGROUPS / "systemd")
        hierarchy.unlink()
    if _MADE_MODULES.exists():
        _MODULES.rmdir()
        _MADE_MODULES.unlink()


def _processes(paths: ClusterPaths) -> Iterator[int]:
    """Yield the engine's programs, by command line or network, and its containers', by cgroup."""
    members = {
        int(pid)
        for file in _CGROUPS.glob(f"*/{paths.name}/**/cgroup.procs")
        for pid in file.read_text().split()
    }
    network = paths.network.stat().st_ino if has_network(paths) else -1
    mine = Path("/proc/self/ns/net").stat().st_ino
    for pid in all_pids():
        ours = _program(pid) in _PROGRAMS and (
            any(str(paths.run) in part for part in command_line(pid))
            or _network_of(pid) == network != mine
        )
        if pid in members or ours:
            yield pid


def _program(pid: int) -> str:
    arguments = command_line(pid)
    return Path(arguments[0]).name if arguments else ""


def _network_of(pid: int) -> int:
    try:
        return Path(f"/proc/{pid}/ns/net").stat().st_ino
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0  # gone, or of somebody whose processes are not ours to see


def _remove_cgroups(name: str) -> None:
    roots = [*_CGROUPS.glob(name), *_CGROUPS.glob(f"*/{name}")]
    for root in roots:
        for folder in sorted(root.rglob("*/"), reverse=True):
            if folder.is_dir():
                folder.rmdir()
        root.rmdir()

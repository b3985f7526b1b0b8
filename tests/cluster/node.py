"""A node image for kind where none can be pulled: Debian, kind's own files, our binaries."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import yaml

from tests.cluster.archive import IN_IMAGES, STORAGE_IMAGE, pause_image, write_archive
from tests.cluster.debian import debian_archive
from tests.cluster.engine import Engine
from tests.cluster.files import digest_of, lock, scratch
from tests.cluster.paths import cache_root
from tests.cluster.process import ClusterError, die_with_parent, run, succeeds
from tests.cluster.report import stage
from tests.cluster.storage import storage_manifests
from tests.cluster.tools import kind_module, kubernetes_version, tool, tool_path

_PACKAGES = (
    "systemd", "systemd-sysv", "iptables", "nftables", "conntrack", "iproute2", "ethtool", "kmod",
    "procps", "jq", "containerd", "runc", "containernetworking-plugins", "ca-certificates",
    "mount", "busybox-static",
)  # fmt: skip
_ON_NODE = ("kubeadm", "kubelet", "kubectl")
_PROGRAMS = (*IN_IMAGES, *_ON_NODE)
_FILES = Path(__file__).parent / "node-files"
_UNITS = ("kind-images.service", "kind-cni.service")
_ENABLED = ("kubelet.service", "containerd.service", "undo-mount-hacks.service", *_UNITS)
_DISABLED = (
    "lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service",
    "lib/systemd/system/multi-user.target.wants/*",
    "etc/systemd/system/*.wants/*",
    "lib/systemd/system/local-fs.target.wants/*",
    "lib/systemd/system/sockets.target.wants/*udev*",
    "lib/systemd/system/sockets.target.wants/*initctl*",
    "lib/systemd/system/basic.target.wants/*",
)
"""What kind's own image takes out of systemd: units for hardware."""


def node_digest() -> str:
    """Return the digest of all that goes into the node image."""
    here = Path(__file__)
    code = [here.with_name(name) for name in ("node.py", "archive.py", "storage.py", "debian.py")]
    files = [*code, *sorted(_FILES.iterdir())]
    programs = [str(tool_path(name).relative_to(cache_root())) for name in _PROGRAMS]
    return digest_of([*(file.read_bytes() for file in files), *programs])


def node_image() -> str:
    """Return the name of the node image that is made here."""
    return f"mooring/node:{node_digest()[:12]}"


def provide(engine: Engine) -> None:
    """Have the node image in a Docker engine, made when it is not there (20 s).

    Earlier ones that no container uses are removed. Raises ClusterError when a part cannot be had.
    """
    image = node_image()
    if succeeds(["docker", "image", "inspect", image], env=engine.env):
        return
    for name in _PROGRAMS:
        tool(name)
    debian = debian_archive(_PACKAGES, what="the node")
    for old in engine.docker("images", "--quiet", "mooring/node").split():
        succeeds(["docker", "rmi", old], env=engine.env)
    with (
        lock("node"),
        stage("make the node image"),
        scratch(cache_root() / "node") as root,
    ):
        run(["tar", "-C", root, "-xf", debian])
        _install(root)
        _import(engine, root, image)


def _import(engine: Engine, root: Path, image: str) -> None:
    command = [
        "docker", "import", "--change", "ENV container=docker",
        "--change", 'ENTRYPOINT ["/usr/local/bin/entrypoint","/sbin/init"]', "-", image,
    ]  # fmt: skip
    with subprocess.Popen(
        ["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE, preexec_fn=die_with_parent
    ) as tar:
        done = subprocess.run(
            command, env=engine.environment(), stdin=tar.stdout, text=True, check=False,
            capture_output=True, preexec_fn=die_with_parent,
        )  # fmt: skip
    if done.returncode != 0 or tar.returncode != 0:
        raise ClusterError(f"{image}: cannot be imported into Docker: {done.stderr.strip()}")


def _install(root: Path) -> None:
    (root / "kind/manifests").mkdir(parents=True)
    _copy_kind_files(root)
    for name in _ON_NODE:
        shutil.copy2(tool(name), root / "usr/bin" / name)
    (root / "kind/version").write_text(kubernetes_version())
    write_archive(root / "kind/images.tar", root)
    manifests = yaml.safe_dump_all(storage_manifests(STORAGE_IMAGE))
    (root / "kind/manifests/default-storage.yaml").write_text(manifests)
    _configure_containerd(root)
    _configure_network(root)
    _configure_systemd(root)


def _copy_kind_files(root: Path) -> None:
    # Files in Go's module cache are read-only, and scripts have lost their mode there.
    source = kind_module() / "images/base/files"
    shutil.copytree(source, root, dirs_exist_ok=True, copy_function=shutil.copyfile)
    for script in [*(root / "usr/local/bin").iterdir(), *(root / "kind/bin").iterdir()]:
        script.chmod(0o755)
    shutil.copyfile(_FILES / "crictl", root / "usr/local/bin/crictl")
    (root / "usr/local/bin/crictl").chmod(0o755)


def _replace(path: Path, *rules: tuple[str, str]) -> None:
    text = path.read_text()
    for pattern, replacement in rules:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    path.write_text(text)


def _configure_containerd(root: Path) -> None:
    _replace(
        root / "etc/systemd/system/containerd.service",
        (r"^ExecStart=/usr/local/bin/containerd", "ExecStart=/usr/bin/containerd"),
        (r"^(OOMScoreAdjust=|ExecStartPre=-/sbin/modprobe).*\n", ""),
    )
    _replace(
        root / "etc/containerd/config.toml",
        (r"^( *sandbox_image = ).*", rf'\1"{pause_image()}"'),
        # Without CAP_SYS_RESOURCE runc fails on a lower score: "can't get final child's PID".
        (r"restrict_oom_score_adj = false", "restrict_oom_score_adj = true"),
        (r"^.*base_runtime_spec.*\n", ""),
        (r"SystemdCgroup = true", "SystemdCgroup = false"),
        # What is in the node must stay complete, so that only new layers need to be loaded.
        (r"discard_unpacked_layers = true", "discard_unpacked_layers = false"),
    )


def _configure_network(root: Path) -> None:
    plugins = root / "opt/cni/bin"
    plugins.parent.mkdir(exist_ok=True)
    plugins.symlink_to("/usr/lib/cni")
    network = root / "etc/cni/net.d"
    network.mkdir(parents=True, exist_ok=True)
    for left in network.iterdir():
        left.unlink()
    (root / "kind/10-ptp.conflist").write_text(json.dumps(_conflist()))


def _conflist() -> dict[str, object]:
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": "10.244.0.0/24"}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    return {
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [
            {"type": "ptp", "ipMasq": False, "mtu": 1500, "ipam": addresses},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def _configure_systemd(root: Path) -> None:
    units = root / "etc/systemd/system"
    for unit in _UNITS:
        shutil.copyfile(_FILES / unit, units / unit)
    folder = units / "kubelet.service.d"
    folder.mkdir(exist_ok=True)
    shutil.copyfile(_FILES / "kubelet-after-images.conf", folder / "20-images.conf")
    (root / "etc/kubernetes/manifests").mkdir(parents=True, exist_ok=True)
    for pattern in _DISABLED:
        for path in root.glob(pattern):
            path.unlink()
    with (root / "etc/systemd/journald.conf").open("a") as file:
        file.write("ReadKMsg=no\n")
    init = root / "sbin/init"
    init.unlink(missing_ok=True)
    init.symlink_to("/usr/lib/systemd/systemd")
    run(["chroot", root, "systemctl", "--quiet", "enable", *_ENABLED])
    run(["chroot", root, "systemctl", "--quiet", "mask", "systemd-binfmt.service"])

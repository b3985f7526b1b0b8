"""One archive with every image that a control plane needs, for a node that can pull none.

All images share one layer, so the node unpacks it once: the programs, busybox, and the packet
filter tools of the node's Debian with their libraries (for kube-proxy).
"""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.cluster.files import digest_of_file
from tests.cluster.process import run
from tests.cluster.tools import kubernetes_version, tool

IN_IMAGES = (
    "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "etcd",
    "coredns", "pause", "local-path-provisioner",
)  # fmt: skip
STORAGE_IMAGE = "mooring/local-path-provisioner:node"
"""The image of the volume provisioner and of its helper pods."""

_LIBRARIES = f"usr/lib/{platform.machine()}-linux-gnu"
_XTABLES = f"{_LIBRARIES}/xtables"
_FILTER_TOOLS = ("usr/sbin/xtables-nft-multi", "usr/sbin/nft", "usr/sbin/conntrack")
_FILTER_NAMES = tuple(
    f"usr/sbin/{family}{suffix}"
    for family in ("iptables", "ip6tables")
    for suffix in ("", "-save", "-restore")
)
_FOLDERS = (
    "etc", "tmp", "run", "usr", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64", _LIBRARIES,
    _XTABLES, "usr/local", "usr/local/bin", "var", "var/lib",
)  # fmt: skip
_ENTRYPOINTS = {"coredns/coredns": "coredns", "pause": "pause"}
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def control_plane_images() -> list[str]:
    """Return the image names that kubeadm puts into its manifests."""
    version = kubernetes_version()
    return run(
        [tool("kubeadm"), "config", "images", "list", "--kubernetes-version", version]
    ).split()


def pause_image() -> str:
    """Return the name of the image that holds a pod's namespaces."""
    return next(name for name in control_plane_images() if "/pause:" in name)


def write_archive(target: Path, root: Path) -> None:
    """Write the images as a docker-archive. `root` is the node's file system.

    Raises ClusterError when a program cannot be built.
    """
    layer = target.with_suffix(".layer")
    try:
        with tarfile.open(layer, "w") as tar:
            _fill(tar, root)
        digest = digest_of_file(layer)
        with tarfile.open(target, "w") as tar:
            _add_file(tar, f"{digest}/layer.tar", layer)
            _add_images(tar, digest)
    finally:
        layer.unlink(missing_ok=True)


def _fill(tar: tarfile.TarFile, root: Path) -> None:
    for folder in _FOLDERS:
        entry = tarfile.TarInfo(folder)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(entry)
    for name in ("bin", "sbin", "lib", "lib64"):
        _add_link(tar, name, f"usr/{name}")
    for program in IN_IMAGES:
        _add_file(tar, f"usr/local/bin/{program}", tool(program))
    _add_file(tar, "usr/bin/busybox", root / "bin/busybox")
    for name in ("sh", "mkdir", "rm"):
        _add_link(tar, f"usr/bin/{name}", "busybox")
    _add_filter_tools(tar, root)


def _add_filter_tools(tar: tarfile.TarFile, root: Path) -> None:
    plugins = sorted((root / _XTABLES).iterdir())
    programs = [root / name for name in _FILTER_TOOLS]
    for path in [*programs, *plugins]:
        name = str(path.relative_to(root))
        if path.is_symlink():
            _add_link(tar, name, str(path.readlink()))
        else:
            _add_file(tar, name, path)
    for name, source in _libraries(root, [*programs, *plugins]).items():
        _add_file(tar, name, source)
    for name in _FILTER_NAMES:
        _add_link(tar, name, "xtables-nft-multi")


def _libraries(root: Path, programs: list[Path]) -> Mapping[str, Path]:
    """Return what `programs` are linked to: name in the layer, and file in `root`.

    The plugins too: libxt_statistic.so wants libm, which shows only with a Service of two pods.
    """
    names = [f"/{program.relative_to(root)}" for program in programs]
    listing = run(["chroot", root, "ldd", *names])
    words = (word for line in listing.splitlines() if line[:1] == "\t" for word in line.split())
    wanted = sorted({word.lstrip("/") for word in words if word.startswith("/")})
    return {
        name if name.startswith("usr/") else f"usr/{name}": (root / name).resolve()
        for name in wanted
    }


def _add_images(tar: tarfile.TarFile, layer: str) -> None:
    manifest = []
    for name, config in _configurations(layer):
        raw = json.dumps(config, sort_keys=True).encode()
        file = f"{hashlib.sha256(raw).hexdigest()}.json"
        _add_bytes(tar, file, raw)
        manifest.append({"Config": file, "RepoTags": [name], "Layers": [f"{layer}/layer.tar"]})
    _add_bytes(tar, "manifest.json", json.dumps(manifest).encode())


def _configurations(layer: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    for name in [*control_plane_images(), STORAGE_IMAGE]:
        repository = name.rpartition(":")[0].partition("/")[2]
        program = _ENTRYPOINTS.get(repository)
        config = {
            "architecture": _ARCHITECTURES[platform.machine()],
            "os": "linux",
            "config": {
                "Env": ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                "Entrypoint": [f"/usr/local/bin/{program}"] if program else None,
                "Labels": {"image": name},  # else two images of equal content would be one
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer}"]},
            "history": [{"created_by": "tests.cluster.archive"}],
        }
        yield name, config


def _add_file(tar: tarfile.TarFile, name: str, source: Path) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = source.stat().st_size, 0o755
    with source.open("rb") as file:
        tar.addfile(entry, file)


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o644
    tar.addfile(entry, io.BytesIO(content))


def _add_link(tar: tarfile.TarFile, name: str, target: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    tar.addfile(entry)

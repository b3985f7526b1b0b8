"""The programs of the cluster, built from the Go modules under `tools/`.

Each product has a module of its own there, because their dependencies exclude each other; its
go.mod pins the version and its go.sum the content. A program is built when it is first asked for
and kept by the digest of all that went into it.
"""

import functools
import json
import platform
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.files import digest_of, lock, new_file
from tests.cluster.paths import cache_root
from tests.cluster.process import ClusterError, run
from tests.cluster.report import stage

MODULES = Path(__file__).parent / "tools"


@dataclass(frozen=True, slots=True)
class Tool:
    """A program: the folder of its module, and its package there."""

    module: str
    package: str
    stamps: tuple[str, ...] = ()
    """Variables that the linker sets, as NAME=VALUE."""


def _pinned(module: str, path: str) -> str:
    """Return the version that `tools/<module>/go.mod` requires of the Go module `path`."""
    for line in (MODULES / module / "go.mod").read_text().splitlines():
        words = line.removeprefix("require").split()
        if len(words) >= 2 and words[0] == path and words[1].startswith("v"):
            return words[1]
    raise ClusterError(f"tests/cluster/tools/{module}/go.mod: does not require {path}")


@functools.cache
def kubernetes_version() -> str:
    """Return the version of Kubernetes, as in `v1.36.3`."""
    return _pinned("k8s", "k8s.io/kubernetes")


@functools.cache
def kind_module() -> Path:
    """Return the folder of kind's source in Go's module cache, where it is put if need be."""
    answer = run(["go", "mod", "download", "-json", "sigs.k8s.io/kind"], cwd=MODULES / "kind")
    return Path(json.loads(answer)["Dir"])


def _kubernetes_stamps() -> tuple[str, ...]:
    major, minor, _ = kubernetes_version().removeprefix("v").split(".")
    values = {
        "gitVersion": kubernetes_version(), "gitMajor": major, "gitMinor": minor,
        "gitTreeState": "clean", "gitCommit": "unknown",
    }  # fmt: skip
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return tuple(f"{path}.{name}={value}" for path in packages for name, value in values.items())


def _helm3_stamps() -> tuple[str, ...]:
    """For skaffold, which cannot drive Helm 4 (skaffold#9871); unstamped, it believes in v1.20."""
    major, minor, _ = kubernetes_version().removeprefix("v").split(".")
    package = "helm.sh/helm/v3/pkg/chartutil"
    return (f"{package}.k8sVersionMajor={major}", f"{package}.k8sVersionMinor={minor}")


@functools.cache
def tools() -> dict[str, Tool]:
    """Return every program by its name."""
    stamps = _kubernetes_stamps()
    kubernetes = {
        name: Tool("k8s", f"k8s.io/kubernetes/cmd/{name}", stamps)
        for name in (
            "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy",
            "kubelet", "kubeadm", "kubectl",
        )
    }  # fmt: skip
    return kubernetes | {
        "coredns": Tool("coredns", "github.com/coredns/coredns"),
        "etcd": Tool("etcd", "go.etcd.io/etcd/server/v3"),
        "fake-gcs-server": Tool("fake-gcs-server", "github.com/fsouza/fake-gcs-server"),
        "helm": Tool("helm", "helm.sh/helm/v4/cmd/helm"),
        "helm3": Tool("helm3", "helm.sh/helm/v3/cmd/helm", _helm3_stamps()),
        "kind": Tool("kind", "sigs.k8s.io/kind"),
        "kubeconform": Tool("kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform"),
        "local-path-provisioner": Tool(
            "local-path-provisioner", "github.com/rancher/local-path-provisioner"
        ),
        "pause": Tool("pause", "."),
        "skaffold": Tool("skaffold", "github.com/GoogleContainerTools/skaffold/v2/cmd/skaffold"),
        "versitygw": Tool("versitygw", "github.com/versity/versitygw/cmd/versitygw"),
    }


@functools.cache
def _go_version() -> str:
    try:
        return run(["go", "env", "GOVERSION"]).strip()
    except ClusterError as error:
        raise ClusterError(
            "go: not found or not working; install Go 1.26 or newer and have it in PATH: the "
            "programs of the cluster are built from source"
        ) from error


@functools.cache
def tool_path(name: str) -> Path:
    """Return where the program `name` is kept; it need not be there yet.

    Raises ClusterError for an unknown name.
    """
    if name not in tools():
        raise ClusterError(f"{name}: no such program; there are {', '.join(sorted(tools()))}")
    wanted = tools()[name]
    sources = sorted(path for path in (MODULES / wanted.module).iterdir() if path.is_file())
    parts: list[str | bytes] = [_go_version(), platform.machine(), *wanted.stamps]
    for source in sources:
        parts += [source.name, source.read_bytes()]
    return cache_root() / "bin" / f"{wanted.module}-{digest_of(parts)[:16]}" / name


def tool(name: str) -> Path:
    """Return the path of the program `name`, building it when it is not there.

    Raises ClusterError when Go is missing or the build fails.
    """
    path = tool_path(name)
    if path.exists():
        return path
    with lock(f"tool-{name}"):
        if not path.exists():
            with stage(f"build {name}"):
                _build(tools()[name], path)
    return path


def _build(wanted: Tool, path: Path) -> None:
    flags = " ".join(["-s", "-w", *(f"-X {stamp}" for stamp in wanted.stamps)])
    with new_file(path) as part:
        run(
            ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", part,
             wanted.package],
            cwd=MODULES / wanted.module, env={"CGO_ENABLED": "0"},
        )  # fmt: skip

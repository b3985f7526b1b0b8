"""Bring images from buildah's storage onto the node: only the layers that the node lacks."""

import json
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tests.cluster import buildah
from tests.cluster.engine import Engine
from tests.cluster.files import scratch
from tests.cluster.images import Image
from tests.cluster.kind import node_name
from tests.cluster.paths import ClusterPaths
from tests.cluster.process import ClusterError, die_with_parent
from tests.cluster.report import stage

_NAME = "io.containerd.image.name"
_REFERENCE = "org.opencontainers.image.ref.name"
_CONTENT = "/var/lib/containerd/io.containerd.content.v1.content/blobs/sha256"
_CTR = ("ctr", "--namespace", "k8s.io")


def full_name(reference: str) -> str:
    """Return an image name as containerd keeps it.

    >>> full_name("mooring/server:1")
    'docker.io/mooring/server:1'
    """
    return f"docker.io/{reference}"


def load(engine: Engine, paths: ClusterPaths, images: Sequence[Image]) -> None:
    """Load those of `images` that the node lacks.

    Raises ClusterError when an image was not built or the node refuses it.
    """
    names = engine.docker("exec", node_name(paths), *_CTR, "images", "ls", "--quiet").split()
    missing = [image for image in images if full_name(image.reference) not in names]
    if not missing:
        return
    there = _blobs_on_node(engine, paths)
    shown = ", ".join(image.name for image in missing)
    with stage(f"load onto the node: {shown}"), scratch(paths.state / "load") as layout:
        pretend(layout, there)
        for image in missing:
            buildah.copy_out(image.reference, layout)
        _import(engine, paths, layout, there)


def _blobs_on_node(engine: Engine, paths: ClusterPaths) -> dict[str, int]:
    """Return digest (hex) and size in bytes of what the node's containerd holds."""
    listing = engine.docker(
        "exec", node_name(paths), "find", _CONTENT, "-type", "f", "-printf", "%f %s\n"
    )
    return {name: int(size) for name, size in map(str.split, listing.splitlines())}


def pretend(layout: Path, there: Mapping[str, int]) -> None:
    """Fill an OCI layout with empty files in place of what the node has.

    Whoever copies an image into it then takes those blobs for copied already, and reads nothing
    of them but their sizes. The holes take no space.
    """
    folder = layout / "blobs" / "sha256"
    folder.mkdir(parents=True)
    for name, size in there.items():
        with (folder / name).open("w") as file:
            file.truncate(size)


def _import(engine: Engine, paths: ClusterPaths, layout: Path, there: Mapping[str, int]) -> None:
    """Stream what is new in `layout` into the node's containerd.

    containerd takes an archive that lacks a layer, if it holds that layer already.
    """
    command = ["docker", "exec", "--interactive", node_name(paths), *_CTR, "images", "import",
               "--snapshotter=overlayfs", "-"]  # fmt: skip
    process = subprocess.Popen(
        command, env=engine.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=False, preexec_fn=die_with_parent,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        write_archive(process.stdin, layout, there)
        process.stdin.close()
    except BrokenPipeError:
        pass  # its own words follow
    output = process.stdout.read().decode(errors="replace")
    if process.wait() != 0:
        raise ClusterError(f"the node refused the images:\n{output}")


def write_archive(target: IO[bytes], layout: Path, there: Mapping[str, int]) -> None:
    """Write to `target`, as an OCI archive, the images of `layout` without what is `there`."""
    index = json.loads((layout / "index.json").read_text())
    new = sorted({blob for entry in index["manifests"] for blob in _blobs(layout, entry)})
    for entry in index["manifests"]:
        entry["annotations"] = {_NAME: full_name(entry["annotations"][_REFERENCE])}
    (layout / "index.json").write_text(json.dumps(index))
    with tarfile.open(fileobj=target, mode="w|") as tar:
        for name in ("oci-layout", "index.json"):
            tar.add(layout / name, name)
        for blob in new:
            if blob not in there:
                name = f"blobs/sha256/{blob}"
                tar.add(layout / name, name)


def _blobs(layout: Path, entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield the digests (hex) of what an image consists of."""
    manifest_digest = entry["digest"].removeprefix("sha256:")
    manifest = json.loads((layout / "blobs" / "sha256" / manifest_digest).read_text())
    yield manifest_digest
    for part in (manifest["config"], *manifest["layers"]):
        yield part["digest"].removeprefix("sha256:")

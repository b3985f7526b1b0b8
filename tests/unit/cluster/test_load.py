"""Only what the node lacks is sent to it."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

from tests.cluster.load import pretend, write_archive


def add(layout: Path, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    (layout / "blobs/sha256" / digest).write_bytes(content)
    return digest


def make_layout(layout: Path, layers: list[str]) -> str:
    (layout / "oci-layout").write_text("{}")
    config = add(layout, b"config")
    manifest = {
        "config": {"digest": f"sha256:{config}"},
        "layers": [{"digest": f"sha256:{layer}"} for layer in layers],
    }
    digest = add(layout, json.dumps(manifest).encode())
    name = {"org.opencontainers.image.ref.name": "mooring/x:1"}
    index = {"manifests": [{"digest": f"sha256:{digest}", "annotations": name}]}
    (layout / "index.json").write_text(json.dumps(index))
    return digest


def test_a_layer_that_the_node_has_is_not_sent(tmp_path: Path) -> None:
    there = {"a" * 64: 5_000_000_000}
    pretend(tmp_path, there)
    new = add(tmp_path, b"new layer")
    manifest = make_layout(tmp_path, ["a" * 64, new])

    stream = io.BytesIO()
    write_archive(stream, tmp_path, there)

    with tarfile.open(fileobj=io.BytesIO(stream.getvalue())) as archive:
        names = set(archive.getnames())
        index = archive.extractfile("index.json")
        assert index is not None
        [entry] = json.load(index)["manifests"]
    assert f"blobs/sha256/{'a' * 64}" not in names
    assert {f"blobs/sha256/{new}", f"blobs/sha256/{manifest}"} <= names
    assert entry["annotations"] == {"io.containerd.image.name": "docker.io/mooring/x:1"}


def test_what_is_pretended_has_its_size_and_takes_no_space(tmp_path: Path) -> None:
    pretend(tmp_path, {"a" * 64: 5_000_000_000})
    status = (tmp_path / "blobs/sha256" / ("a" * 64)).stat()
    assert status.st_size == 5_000_000_000
    assert status.st_blocks == 0

"""What is built from source, on a machine that has none of it yet."""

from pathlib import Path

import pytest

from tests.cluster import tools
from tests.cluster.cluster import default_node_image


def test_kinds_own_node_image_is_known_before_kind_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOMODCACHE", str(tmp_path))
    monkeypatch.setenv("GOFLAGS", "-modcacherw")
    tools.kind_module.cache_clear()
    try:
        assert default_node_image().startswith("kindest/node:v1.")
    finally:
        tools.kind_module.cache_clear()

"""What a cluster keeps goes with its checkout, and not before."""

from pathlib import Path

import pytest

from tests.cluster import orphans
from tests.cluster.paths import ClusterPaths


def _kept(name: str, checkout: Path) -> ClusterPaths:
    paths = ClusterPaths.of(name)
    (paths.state / "docker").mkdir(parents=True)
    orphans.claim(paths, checkout)
    return paths


def test_only_what_has_no_checkout_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    here, gone = tmp_path / "here", tmp_path / "gone"
    here.mkdir()
    mine, orphan = _kept("mooring-test-mine", here), _kept("mooring-test-orphan", gone)

    orphans.drop()

    assert mine.docker_data.exists()
    assert not orphan.state.exists()


def test_one_that_runs_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("tests.cluster.paths.RUN_ROOT", tmp_path / "run")
    running = _kept("mooring-test-running", tmp_path / "gone")
    running.run.mkdir(parents=True)

    orphans.drop()

    assert running.docker_data.exists()

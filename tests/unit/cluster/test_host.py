"""What a machine is said to lack depends on its Docker engine: here a stand-in for the program."""

import shutil
from pathlib import Path

import pytest

from tests.cluster import cluster, host

FOR_IMAGES = {"buildah", "mmdebstrap", "skopeo"}


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program `docker` on a machine that has nothing else but Go, and no cluster."""
    go = shutil.which("go")
    assert go is not None
    (tmp_path / "go").symlink_to(go)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(cluster.GIVEN, raising=False)
    return tmp_path / "docker"


def answering(program: Path, *commands: str) -> None:
    """Have the program answer these commands, and fail at all others."""
    program.write_text(f'#!/bin/sh\ncase "$1" in {"|".join(commands)}) ;; *) exit 1 ;; esac\n')
    program.chmod(0o755)


def test_no_engine_needs_all(docker: Path) -> None:
    assert {"docker.io", *FOR_IMAGES} <= set(host.missing_packages())


def test_an_engine_without_a_registry_needs_what_makes_images(docker: Path) -> None:
    answering(docker, "version")
    missing = set(host.missing_packages())
    assert missing >= FOR_IMAGES
    assert "docker.io" not in missing


def test_an_engine_with_a_registry_needs_neither(docker: Path) -> None:
    answering(docker, "version", "pull")
    assert not {"docker.io", *FOR_IMAGES} & set(host.missing_packages())


def test_a_given_cluster_is_not_asked_for_kinds_image(
    docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(docker, "version")
    monkeypatch.setenv(cluster.GIVEN, "/somewhere/kubeconfig")
    assert not FOR_IMAGES & set(host.missing_packages())

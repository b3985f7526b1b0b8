"""The way to a Service: kubectl is a stand-in here that has had many connections."""

from pathlib import Path

import pytest

from tests.cluster import cluster
from tests.cluster.process import ClusterError, wait_until
from tests.demo import cluster as ways

HANDLED = 10_000


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that takes kubectl's place; there is a kubeconfig for it."""
    program = tmp_path / "kubectl"
    (tmp_path / "kubeconfig").touch()
    monkeypatch.setenv(cluster.GIVEN, str(tmp_path / "kubeconfig"))
    monkeypatch.setattr(ways, "tool", lambda _: program)
    return program


def has(program: Path, script: str) -> None:
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_many_connections_do_not_stop_it(kubectl: Path, tmp_path: Path) -> None:
    lines = f"seq -f 'Handling connection for 5001 (%g)' {HANDLED}"
    listening = "echo 'Forwarding from 127.0.0.1:5001 -> 5000'"
    has(kubectl, f"{listening}; {lines}; touch {tmp_path}/through; exec sleep 600")
    with ways.forwarded("team-a-mlflow", "team-a", 5000) as url:
        assert url == "http://localhost:5001"
        wait_until((tmp_path / "through").exists, "kubectl to handle them all")


def test_what_kubectl_says_is_told(kubectl: Path) -> None:
    has(kubectl, "echo 'error: services \"airflow\" not found'; exit 1")
    with (
        pytest.raises(ClusterError, match=r'service/airflow :8080: error: services "airflow"'),
        ways.forwarded("airflow", "playground", 8080),
    ):
        pass


class Enough(Exception):
    """Enough was told."""


def test_a_page_comes_back_when_kubectl_has_ended(kubectl: Path, tmp_path: Path) -> None:
    listening = "echo 'Forwarding from 127.0.0.1:5001 -> 5000'"
    has(
        kubectl,
        f"cd {tmp_path}; echo >> starts; case $(wc -l < starts) in "
        f"1|2|5) {listening} ;; *) echo 'no pod is running'; exit 1 ;; esac",
    )
    told: list[str] = []

    def tell(news: str) -> None:
        told.append(news)
        if len(told) == 3:
            raise Enough

    with pytest.raises(Enough):
        ways.keep_forwarded("team-a-mlflow", "team-a", 5000, 5001, tell=tell)
    assert told[0] == told[2] == "http://localhost:5001"
    assert "no pod is running" in told[1]

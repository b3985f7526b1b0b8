"""The guard against a real tracking server and a real store."""

from tests.integration.airflow.world import Workspace


def test_agrees(team: Workspace) -> None:
    done = team.mooring("guard")
    assert done.returncode == 0, done.stderr
    assert "all is well" in done.stdout

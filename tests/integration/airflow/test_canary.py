"""The canary against a real tracking server and a real store."""

from collections.abc import Iterator

import pytest

from mooring import contract
from mooring.canary import EXPERIMENT
from tests.integration.airflow.keys import limited_key
from tests.integration.airflow.world import Workspace


@pytest.fixture
def key_without_delete(team: Workspace) -> Iterator[dict[str, str]]:
    """A key that may do all but delete, as a policy written by hand often is."""
    with limited_key(team, ["s3:GetObject", "s3:PutObject", "s3:ListBucket"]) as key:
        yield key


def active_runs(team: Workspace) -> list[str]:
    found = team.api(f"experiments/get-by-name?experiment_name={EXPERIMENT}")
    body = {"experiment_ids": [found["experiment"]["experiment_id"]]}
    return [run["info"]["run_id"] for run in team.api("runs/search", body).get("runs", [])]


def test_round_trip_leaves_nothing(team: Workspace) -> None:
    before = team.keys()
    done = team.mooring("canary")
    assert done.returncode == 0, done.stderr
    assert team.keys() == before
    assert active_runs(team) == []


def test_says_that_an_upload_failed(team: Workspace) -> None:
    secret = "a-wrong-secret"
    done = team.mooring("canary", env={contract.AWS_SECRET_ACCESS_KEY: secret})
    assert done.returncode == 1
    said = done.stderr.strip().splitlines()[-1]
    assert said.startswith("CanaryFailed: could not upload an artifact: ")
    assert "SignatureDoesNotMatch" in said
    assert "check the workspace's role or key" in said
    assert secret not in done.stderr


def test_says_that_deletion_was_refused(
    team: Workspace, key_without_delete: dict[str, str]
) -> None:
    done = team.mooring("canary", env=key_without_delete)
    assert done.returncode == 1
    assert "s3:DeleteObject" in done.stderr.strip().splitlines()[-1]

"""A server that keeps artifacts for its clients: pods hold nothing of the store."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from mooring import contract, finding, guard
from mooring.guard import explain, tracking
from mooring.guard.reasons import Reason
from tests.integration.airflow.world import BUCKET, Workspace, of_the_store, workspace
from tests.services.versitygw import Versitygw

LOG = """
import mlflow, pathlib, sys
pathlib.Path("weights").write_bytes(b"w" * 100)
with mlflow.start_run() as run:
    mlflow.log_artifact("weights")
print(run.info.artifact_uri)
"""


@pytest.fixture(scope="module")
def proxied(versitygw_service: Versitygw) -> Iterator[Workspace]:
    """A workspace whose server alone talks to the bucket."""
    with workspace(versitygw_service, "proxied", f"s3://{BUCKET}/proxied/proxied") as running:
        yield running


@pytest.fixture(scope="module")
def on_disk(
    versitygw_service: Versitygw, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workspace]:
    """A workspace whose server keeps artifacts in a folder, as on a volume."""
    disk = str(tmp_path_factory.mktemp("artifacts"))
    with workspace(versitygw_service, "on-disk", disk) as running:
        yield running


@pytest.fixture
def termination_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    log = tmp_path / "termination-log"
    monkeypatch.setattr(finding, "TERMINATION_LOG", log)
    monkeypatch.setattr(tracking, "SERVER_PATIENCE_S", 0.3)
    monkeypatch.setattr(explain, "UNAVAILABLE_PATIENCE_S", 0.3)
    return log


@pytest.mark.parametrize("kept", ["proxied", "on_disk"])
def test_the_guard_agrees_and_leaves_nothing(request: pytest.FixtureRequest, kept: str) -> None:
    team: Workspace = request.getfixturevalue(kept)
    assert not [name for name in team.environment if of_the_store(name)]
    before = team.keys()
    done = team.mooring("guard")
    assert done.returncode == 0, done.stderr
    assert team.keys() == before


@pytest.mark.parametrize("kept", ["proxied", "on_disk"])
def test_the_canary_makes_the_round_trip(request: pytest.FixtureRequest, kept: str) -> None:
    done = request.getfixturevalue(kept).mooring("canary")
    assert done.returncode == 0, done.stderr


def test_artifacts_of_a_pod_without_credentials_land_in_the_bucket(proxied: Workspace) -> None:
    done = proxied.pod(LOG)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()[-1]
    assert said.startswith(contract.PROXIED_ROOT)
    inside = said.removeprefix(contract.PROXIED_ROOT)
    assert f"proxied/proxied/{inside}/weights" in proxied.keys("proxied/")


def test_direct_needs_what_such_a_pod_has_not(team: Workspace) -> None:
    """What the mode is for: the same pod on a server that does not keep artifacts for it."""
    nothing = dict.fromkeys(filter(of_the_store, team.environment), None)
    done = team.pod(LOG, env=nothing)
    assert done.returncode != 0
    assert "NoCredentialsError" in done.stderr


def test_refuses_when_the_store_behind_the_server_refuses(
    versitygw_service: Versitygw, termination_log: Path
) -> None:
    gone = f"s3://gone-{uuid.uuid4().hex[:8]}/x"
    with workspace(versitygw_service, "gone", gone) as team:
        assert guard.run(team.environment) == Reason.STORE_REFUSED.code
    told = termination_log.read_text()
    assert told.startswith("StoreRefused: the tracking server ")
    assert "HTTP 500" in told
    assert "kubectl describe mlflowworkspace team-a -n team-a" in told


def test_refuses_a_server_that_does_not_keep_artifacts(
    team: Workspace, termination_log: Path
) -> None:
    environ = {**team.environment, contract.ARTIFACT_ROOT: contract.PROXIED_ROOT}
    assert guard.run(environ) == Reason.WRONG_SERVER.code
    assert "not the server of workspace" in termination_log.read_text()


def test_another_servers_address_is_seen_by_what_the_binding_gave(
    proxied: Workspace, on_disk: Workspace
) -> None:
    """Both servers say mlflow-artifacts:/, so the run of the one lands with the other, silently."""
    strayed = {**proxied.environment, contract.TRACKING_URI: on_disk.url}
    lost = proxied.pod(LOG, env={contract.TRACKING_URI: on_disk.url})
    assert lost.returncode == 0, lost.stderr
    assert guard.check(strayed).findings == ()

    [finding] = guard.check({**strayed, contract.BOUND_URI: proxied.url}).findings
    assert finding.reason == Reason.URI_FOREIGN
    assert proxied.url in finding.message
    assert on_disk.url in finding.message
    bound = {contract.TRACKING_URI: f"{proxied.url}/", contract.BOUND_URI: proxied.url}
    assert guard.check({**proxied.environment, **bound}).findings == ()

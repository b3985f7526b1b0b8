"""A cluster without any store: runs and artifacts on a volume, behind a login."""

from collections.abc import Iterator
from typing import Final

import httpx
import pytest

from mooring import contract
from mooring_operator.plan.volume import ARTIFACTS_PATH
from tests.demo.cluster import TIMEOUT, kubectl
from tests.demo.store import tracking
from tests.e2e.jobs import MOORED, Jobs, training
from tests.e2e.workspaces import OwnWorkspace, own_workspace, restart_server

NEVER: Final = "0 0 31 2 *"


@pytest.fixture(scope="module")
def storeless(jobs: Jobs) -> Iterator[OwnWorkspace]:
    class_spec = {"artifactStore": {"volume": {"size": "1Gi"}}, "backendStore": {"sqlite": {}}}
    spec = {
        "auth": {"basic": {}},
        "garbageCollection": {"schedule": NEVER, "olderThan": "0s"},
    }
    with own_workspace("e2e-volume", class_spec, spec) as mine:
        yield mine


def test_what_is_deleted_goes_for_good_and_the_rest_outlives_its_server(
    jobs: Jobs, storeless: OwnWorkspace
) -> None:
    assert contract.AWS_ACCESS_KEY_ID not in storeless.secret()
    kept, deleted = jobs.run(MOORED, 2 * [training(binding=storeless.name)])
    assert (kept.state, deleted.state) == ("success", "success"), kept.log + deleted.log
    restart_server(storeless.name)

    with tracking(storeless.name) as stranger, pytest.raises(httpx.HTTPStatusError, match="401"):
        stranger.runs()

    # to anybody else a run that is not there is a forbidden one
    admin = storeless.secret("auth")
    with tracking(storeless.name, (admin["username"], admin["password"])) as server:
        server.delete_run(deleted.run_id)
        assert _files(storeless, deleted.run_id), "MLflow alone keeps what is deleted"
        _collect_garbage(storeless.name)
        assert server.run(deleted.run_id) is None
        assert server.run(kept.run_id) is not None
    assert not _files(storeless, deleted.run_id)
    assert _files(storeless, kept.run_id)


def _files(mine: OwnWorkspace, run_id: str) -> list[str]:
    """The artifacts of a run on the workspace's volume."""
    in_server = ("exec", "-n", mine.name, f"deploy/{mine.published}", "--")
    find = ("find", ARTIFACTS_PATH, "-path", f"*/{run_id}/artifacts/*", "-type", "f")
    return kubectl(*in_server, *find).split()


def _collect_garbage(name: str) -> None:
    """Run the CronJob now."""
    (cron_job,) = kubectl("get", "cronjobs", "-n", name, "-o", "name").split()
    kubectl("create", "job", "now", "-n", name, f"--from={cron_job}")
    kubectl("wait", "job/now", "-n", name, "--for=condition=Complete", TIMEOUT)

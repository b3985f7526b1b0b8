"""The three failures that Mooring is for: each first without it, so that the loss is seen.

The same training runs in a plain KubernetesPodOperator and in an MlflowPodOperator. A loss is: the
task is green and there is nothing in the store.
"""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from mooring import contract
from tests.demo.store import BUCKET, Tracking, tracking
from tests.e2e import scenarios
from tests.e2e.jobs import MOORED, PLAIN, Jobs, Outcome, training
from tests.e2e.scenarios import TEAM, Broken, HandOver
from tests.e2e.workspaces import OwnWorkspace, keys

LOCAL_URI: Final = "sqlite:////tmp/mlflow.db"
WRONG_KEY: Final = {
    contract.AWS_ACCESS_KEY_ID: "AKIAWRONG",
    contract.AWS_SECRET_ACCESS_KEY: "w" * 40,
}
WIRED: Final = {
    contract.TRACKING_URI: f"http://{TEAM}-mlflow.{TEAM}.svc:5000",
    contract.S3_ENDPOINT_URL: "http://versitygw.playground.svc:7070",
    contract.AWS_REGION: "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}

URI_LOST: Final = {
    "missing": {},
    "empty": {contract.TRACKING_URI: ""},
    "local": {contract.TRACKING_URI: LOCAL_URI},
}
CREDENTIAL_LOST: Final = {"missing": WIRED, "wrong": WIRED | WRONG_KEY}

ALPHAS: Final = [0.25, 0.5, 4.0]
"""What the mapped trainings differ in."""

SET_URI: Final = f"import mlflow\nmlflow.set_tracking_uri({LOCAL_URI!r})\n"
SET_KEY: Final = f"import os\nos.environ.update({WRONG_KEY!r})\n"


@pytest.fixture(scope="module")
def without(jobs: Jobs) -> dict[str, Outcome]:
    """What comes of the plain pods, by what is wrong with them."""
    cases = {f"URI {name}": env for name, env in URI_LOST.items()}
    cases |= {f"credential {name}": env for name, env in CREDENTIAL_LOST.items()}
    pods = [training(namespace=TEAM, env_vars=env) for env in cases.values()]
    # The label alone, on an operator that knows nothing of Mooring.
    label = {contract.BINDING_LABEL: TEAM}
    cases["label and empty URI"] = URI_LOST["empty"]
    pods.append(training(namespace=TEAM, labels=label, env_vars=URI_LOST["empty"]))
    return dict(zip(cases, jobs.run(PLAIN, pods), strict=True))


@pytest.fixture(scope="module")
def moored(jobs: Jobs) -> dict[str, Outcome]:
    """What comes of the same pods with Mooring."""
    cases: dict[str, dict[str, Any]] = {
        "nothing set": {},
        "URI empty": {"env_vars": URI_LOST["empty"]},
        "URI local": {"env_vars": URI_LOST["local"]},
        "URI local in the code": {"before": SET_URI},
        "credential wrong": {"env_vars": WRONG_KEY},
        "credential wrong in the code": {"before": SET_KEY},
    }
    pods = [training(binding=TEAM, **case) for case in cases.values()]
    return dict(zip(cases, jobs.run(MOORED, pods), strict=True))


@pytest.fixture(scope="module")
def handed(jobs: Jobs) -> tuple[HandOver, HandOver]:
    """What came of trainings with a lost sidecar, and of the task after them."""
    return scenarios.sidecar_killed(jobs, ALPHAS)


@pytest.fixture(scope="module")
def server(jobs: Jobs) -> Iterator[Tracking]:
    with tracking(TEAM) as client:
        yield client


# --- 1: the URI is lost ---------------------------------------------------------------------------


@pytest.mark.parametrize("case", [f"URI {name}" for name in URI_LOST])
def test_lost_uri_loses_the_run(
    case: str, without: dict[str, Outcome], server: Tracking, store: Any
) -> None:
    outcome = without[case]
    assert outcome.state == "success"
    assert server.run(outcome.run_id) is None
    assert not landed(store, outcome)


def test_injected_connection_keeps_run_and_model(
    moored: dict[str, Outcome], server: Tracking, store: Any
) -> None:
    outcome = moored["nothing set"]
    assert outcome.state == "success"
    run = server.run(outcome.run_id)
    assert run is not None
    assert run.status == "FINISHED"
    assert run.tags[contract.TAG_VERIFIED] == "true"
    assert landed(store, outcome)
    assert outcome.reference is not None
    assert outcome.reference["run_id"] == outcome.run_id
    assert outcome.reference["model_uri"] == f"models:/{outcome.model_id}"


@pytest.mark.parametrize("case", ["URI empty", "URI local"])
def test_uri_set_by_hand_never_starts(case: str, moored: dict[str, Outcome]) -> None:
    outcome = moored[case]
    assert outcome.state == "failed"
    assert f"container base sets {contract.TRACKING_URI} itself" in outcome.log
    assert "remove it from env_vars" in outcome.log
    assert "[base]" not in outcome.log


def test_label_alone_makes_admission_refuse_an_empty_uri(without: dict[str, Outcome]) -> None:
    outcome = without["label and empty URI"]
    assert outcome.state == "failed"
    assert f"Remove {contract.TRACKING_URI} from the container's env" in outcome.log
    assert "[base]" not in outcome.log


def test_uri_set_in_the_code_fails_the_task(moored: dict[str, Outcome], server: Tracking) -> None:
    outcome = moored["URI local in the code"]
    assert outcome.state == "failed"
    assert server.run(outcome.run_id) is None
    assert f"workspace {TEAM}/{TEAM} has no run of this task instance" in outcome.log
    assert "mlflow.set_tracking_uri" in outcome.log


# --- 2: the credentials are lost ------------------------------------------------------------------


@pytest.mark.parametrize("case", [f"credential {name}" for name in CREDENTIAL_LOST])
def test_lost_credential_loses_the_model(
    case: str, without: dict[str, Outcome], server: Tracking, store: Any
) -> None:
    """Autolog swallows the upload's error: even the run says FINISHED."""
    outcome = without[case]
    assert outcome.state == "success"
    run = server.run(outcome.run_id)
    assert run is not None
    assert run.status == "FINISHED"
    assert not landed(store, outcome)


def test_key_set_by_hand_never_starts(moored: dict[str, Outcome]) -> None:
    outcome = moored["credential wrong"]
    assert outcome.state == "failed"
    assert f"{contract.AWS_ACCESS_KEY_ID}, {contract.AWS_SECRET_ACCESS_KEY} itself" in outcome.log
    assert WRONG_KEY[contract.AWS_SECRET_ACCESS_KEY] not in outcome.log


def test_swallowed_upload_error_fails_the_task(
    moored: dict[str, Outcome], server: Tracking, store: Any
) -> None:
    outcome = moored["credential wrong in the code"]
    assert not landed(store, outcome)
    assert_swallowed(outcome)
    run = server.run(outcome.run_id)
    assert run is not None
    assert run.tags[contract.TAG_FINDING] == "ModelNotReady"
    assert contract.TAG_VERIFIED not in run.tags


# --- 1 and 2 again: what breaks under a training --------------------------------------------------


class TestBrokenWorkspace:
    """One workspace is broken and mended again and again, so these run in one process in turn."""

    def test_server_down_loses_the_run(self, serverless: tuple[Outcome, Outcome]) -> None:
        plain, _ = serverless
        assert plain.state == "success"
        assert plain.run_id == "None"

    def test_server_down_makes_the_guard_refuse(self, serverless: tuple[Outcome, Outcome]) -> None:
        _, moored_ = serverless
        assert moored_.state == "failed"
        assert "GuardRefused" in moored_.log
        assert "ServerUnreachable: the tracking server http://e2e-fragile-mlflow" in moored_.log
        assert "kubectl describe mlflowworkspace e2e-fragile -n e2e-fragile" in moored_.log
        assert "[base]" not in moored_.log

    def test_wrong_key_in_the_secret_makes_the_guard_refuse(
        self, jobs: Jobs, fragile: OwnWorkspace
    ) -> None:
        outcome = scenarios.key_wrong(jobs, fragile)
        assert outcome.state == "failed"
        assert "CredentialsWrong" in outcome.log
        assert "kubectl describe mlflowbinding" in outcome.log
        assert "[base]" not in outcome.log

    def test_key_revoked_during_the_task_loses_the_model(
        self, revoked: Broken, fragile: OwnWorkspace, store: Any
    ) -> None:
        assert revoked.plain.state == "success"
        assert not landed(store, revoked.plain, fragile.bucket)

    def test_key_revoked_during_the_task_fails_it(self, revoked: Broken) -> None:
        assert_swallowed(revoked.moored)

    def test_key_revoked_before_the_task_makes_the_guard_refuse(self, revoked: Broken) -> None:
        assert revoked.moored_later.state == "failed"
        assert "CredentialsUnknown" in revoked.moored_later.log
        assert "[base]" not in revoked.moored_later.log

    def test_bucket_deleted_during_the_task_loses_the_model(
        self, bucketless: Broken, fragile: OwnWorkspace, store: Any
    ) -> None:
        assert bucketless.plain.state == "success"
        assert not landed(store, bucketless.plain, fragile.bucket)

    def test_bucket_deleted_during_the_task_fails_it(self, bucketless: Broken) -> None:
        assert_swallowed(bucketless.moored)

    def test_bucket_deleted_before_the_task_makes_the_guard_refuse(
        self, bucketless: Broken, fragile: OwnWorkspace
    ) -> None:
        outcome = bucketless.moored_later
        assert outcome.state == "failed"
        assert f"BucketMissing: the bucket {fragile.bucket} does not exist" in outcome.log
        assert "spec.artifactStore.s3.bucket of the MlflowWorkspaceClass" in outcome.log
        assert "[base]" not in outcome.log


# --- 3: the identity is lost ----------------------------------------------------------------------


def test_killed_sidecar_loses_the_reference(handed: tuple[HandOver, HandOver]) -> None:
    plain, _ = handed
    killed, silent = plain.trainings
    assert {run.status for run in plain.runs} == {"FINISHED"}
    assert killed.state == "failed"
    assert killed.returned is None
    assert silent.state == "success"
    assert silent.returned is None
    assert plain.following.state == "upstream_failed"


def test_next_task_gets_every_reference(handed: tuple[HandOver, HandOver]) -> None:
    _, moored_ = handed
    assert [outcome.state for outcome in moored_.trainings] == ["success"] * len(ALPHAS)
    assert [outcome.returned for outcome in moored_.trainings[:2]] == [None, None]
    assert moored_.following.state == "success"


def test_mapped_runs_cannot_be_told_apart(handed: tuple[HandOver, HandOver]) -> None:
    plain, _ = handed
    assert not [tag for run in plain.runs for tag in run.tags if "map" in tag or "task" in tag]


def test_mapped_tasks_do_not_mix(handed: tuple[HandOver, HandOver]) -> None:
    _, moored_ = handed
    by_index = {run.tags[contract.TAG_MAP_INDEX]: run for run in moored_.runs}
    for index, (alpha, outcome) in enumerate(zip(ALPHAS, moored_.trainings, strict=True)):
        run = by_index[str(index)]
        assert run.params["alpha"] == str(alpha)
        assert outcome.reference is not None
        assert outcome.reference["run_id"] == run.run_id
        said = f"evaluated: {index} run {run.run_id} alpha {alpha:g}"
        assert said in moored_.following.log


def test_two_tries_do_not_look_alike(jobs: Jobs) -> None:
    without_, with_mooring, outcomes = scenarios.first_try_evicted(jobs)
    assert [outcome.state for outcome in outcomes] == ["success", "success"]
    # Without: the first half says RUNNING for ever, and nothing tells whose it was.
    assert [run.status for run in without_] == ["RUNNING", "FINISHED"]
    assert not [tag for run in without_ for tag in run.tags if "try" in tag]
    # With: it is closed, and each run names its try.
    first, second = with_mooring
    assert (first.status, second.status) == ("KILLED", "FINISHED")
    assert first.tags[contract.TAG_FINDING].startswith("the pod was deleted")
    assert contract.TAG_VERIFIED not in first.tags
    assert second.tags[contract.TAG_VERIFIED] == "true"
    assert [run.tags[contract.TAG_TRY_NUMBER] for run in with_mooring] == ["1", "2"]
    assert outcomes[1].reference is not None
    assert outcomes[1].reference["run_id"] == second.run_id


def landed(store: Any, outcome: Outcome, bucket: str = BUCKET) -> list[str]:
    """The objects that belong to the pod's run or model."""
    mine = {outcome.run_id, outcome.model_id}
    return [key for key in keys(store, bucket) if mine & set(key.split("/"))]


def assert_swallowed(outcome: Outcome) -> None:
    """The training went through, and the task is red and says why."""
    assert "trained: run" in outcome.log
    assert outcome.state == "failed"
    assert f"logged model model ({outcome.model_id})" in outcome.log
    assert "its files did not all reach the store, and autolog turns that" in outcome.log

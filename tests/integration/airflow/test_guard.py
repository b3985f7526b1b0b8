"""The guard against a real tracking server and a real store: what it refuses, and what it says."""

import json
import os
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import botocore.auth
import pytest
from botocore.compat import get_current_datetime

from mooring import contract, finding, guard
from mooring.guard import clock, explain, store, tracking
from mooring.guard.http import Http
from mooring.guard.reasons import Reason
from tests.integration.airflow.keys import limited_key
from tests.integration.airflow.world import BINDING, BUCKET, Workspace
from tests.services.between import Answer, Request, between
from tests.services.process import closed_port
from tests.services.tokens import SIGNATURE, unsigned

ACTIONS = ("s3:PutObject", "s3:GetObject", "s3:ListBucket", "s3:DeleteObject")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a pod waits a minute for is known here to stay as it is."""
    monkeypatch.setattr(tracking, "SERVER_PATIENCE_S", 0.3)
    monkeypatch.setattr(explain, "UNAVAILABLE_PATIENCE_S", 0.3)
    monkeypatch.setattr(explain, "FRESH_PATIENCE_S", 0.3)


@pytest.fixture
def termination_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    log = tmp_path / "termination-log"
    monkeypatch.setattr(finding, "TERMINATION_LOG", log)
    return log


def test_agrees_and_leaves_nothing(team: Workspace) -> None:
    before = team.keys()
    done = team.mooring("guard")
    assert done.returncode == 0, done.stderr
    assert "all is well" in done.stdout
    assert team.keys() == before


def test_parallel_pods_of_a_new_experiment_all_find_it(team: Workspace) -> None:
    """MLflow's client looks and then makes it, so of mapped pods all but one would fail."""
    name = {contract.EXPERIMENT_NAME: f"new-{uuid.uuid4().hex}"}
    logs = "import mlflow; mlflow.log_param('p', 1)"
    race = (
        "import sys, mlflow; make = mlflow.create_experiment; make(sys.argv[1]); make(sys.argv[1])"
    )
    lost = team.pod(race, f"lost-{uuid.uuid4().hex}")
    assert "RESOURCE_ALREADY_EXISTS" in lost.stderr, "the second to make it must fail without us"

    with ThreadPoolExecutor(4) as pods:
        guards = list(pods.map(lambda _: team.mooring("guard", env=name), range(4)))
    assert [done.returncode for done in guards] == [0] * 4, [done.stderr for done in guards]
    logged = team.pod(logs, env=name)
    assert logged.returncode == 0, logged.stderr


@pytest.mark.parametrize(
    ("changes", "reason", "said"),
    [
        ({contract.TRACKING_URI: ""}, Reason.URI_EMPTY, "is empty"),
        ({contract.TRACKING_URI: "sqlite:///mlflow.db"}, Reason.URI_LOCAL, "would stay in the pod"),
        ({contract.WORKSPACE: ""}, Reason.NOT_BOUND, "MOORING_WORKSPACE not set"),
        (
            {contract.TRACKING_URI: "http://nosuch.invalid:5000"},
            Reason.SERVER_NAME_UNKNOWN,
            "the tracking server http://nosuch.invalid:5000 cannot be reached: the name "
            "nosuch.invalid does not resolve. A pod with hostNetwork needs dnsPolicy: "
            "ClusterFirstWithHostNet. See: kubectl describe mlflowworkspace team-a -n team-a",
        ),
        (
            {contract.ARTIFACT_ROOT: "s3://mlflow/team-b/team-b"},
            Reason.WRONG_SERVER,
            "it is not the server of workspace team-a/team-a",
        ),
        ({contract.AWS_ACCESS_KEY_ID: ""}, Reason.NO_CREDENTIALS, "AWS_ROLE_ARN"),
        ({contract.AWS_ACCESS_KEY_ID: "revoked-key"}, Reason.CREDENTIALS_UNKNOWN, "does not know"),
        (
            {contract.AWS_SECRET_ACCESS_KEY: "another-secret"},
            Reason.CREDENTIALS_WRONG,
            "its secret does not fit",
        ),
        (
            {contract.S3_ENDPOINT_URL: "http://127.0.0.1:9"},
            Reason.STORE_UNREACHABLE,
            "127.0.0.1:9 refuses connections",
        ),
        (
            {contract.S3_ENDPOINT_URL: "http://nosuch.invalid:7070"},
            Reason.STORE_NAME_UNKNOWN,
            "the name nosuch.invalid does not resolve",
        ),
    ],
)
def test_refuses(
    team: Workspace, termination_log: Path, changes: dict[str, str], reason: Reason, said: str
) -> None:
    environ = {**team.environment, **changes}
    assert guard.run(environ) == reason.code
    told = termination_log.read_text()
    assert told.startswith(f"{reason}: ")
    assert said in told
    for secret in (team.store.secret_access_key, "another-secret"):
        assert secret not in told


def test_the_result_is_json_for_machines(team: Workspace) -> None:
    asked = (
        "import sys; from mooring.main import main; sys.argv[1:] = ['guard', '-o', 'json']; main()"
    )
    agreed = team.pod(asked)
    assert agreed.returncode == 0, agreed.stderr
    found = json.loads(agreed.stdout)
    assert found.pop("seconds") > 0
    assert found == {"verdict": "Agrees", "exitCode": 0, "findings": []}

    refused = team.pod(asked, env={contract.AWS_SECRET_ACCESS_KEY: None})
    found = json.loads(refused.stdout)
    assert refused.returncode == found["exitCode"] == Reason.NO_CREDENTIALS.code
    assert found["findings"][0]["reason"] == "NoCredentials"
    assert found["findings"][0]["remedy"].startswith("Remove what unsets them")
    assert "NoCredentials: " in refused.stderr, "the line for people"


def test_waits_for_a_server_that_is_rolling_but_not_for_a_wrong_key(
    team: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first answers are those of a Service without a ready pod, and of one that starts."""
    monkeypatch.setattr(tracking, "SERVER_PATIENCE_S", 60)
    asked: list[str] = []

    def rolling(request: Request, ask: Callable[[], Answer]) -> Answer:
        asked.append(request.path)
        return Answer(503, (), b"starting") if len(asked) < 4 else ask()

    with between(team.url, rolling) as uri:
        environ = {**team.environment, contract.TRACKING_URI: uri}
        assert guard.check(environ).findings == ()
        assert len(asked) > 4

        asked.clear()
        result = guard.check({**environ, contract.AWS_ACCESS_KEY_ID: ""})
        assert [finding.reason for finding in result.findings] == [Reason.NO_CREDENTIALS]


def test_refuses_a_server_that_does_not_know_the_client_s_calls(team: Workspace) -> None:
    """The server is of today; what it says and does not know is that of MLflow 2.22."""

    def older(request: Request, ask: Callable[[], Answer]) -> Answer:
        if request.path == "/version":
            return Answer(200, (), b"2.22.5")
        return Answer(404, (), b"") if "/logged-models" in request.path else ask()

    model = "mlflow.pyfunc.log_model(name='m', python_model=lambda model_input: model_input)"
    with between(team.url, older) as uri:
        lost = team.pod(f"import mlflow; {model}", env={contract.TRACKING_URI: uri})
        assert "/logged-models failed with error code 404" in lost.stderr

        result = guard.check({**team.environment, contract.TRACKING_URI: uri})
    assert [finding.reason for finding in result.findings] == [Reason.SERVER_TOO_OLD]
    assert "is MLflow 2.22.5, and the client in this image is 3." in result.findings[0].message


def test_only_warns_where_the_binding_says_so(team: Workspace, termination_log: Path) -> None:
    wrong = {**team.environment, contract.TRACKING_URI: "sqlite:///mlflow.db"}
    assert guard.run({**wrong, contract.GUARD_MODE: contract.GUARD_WARN}) == 0
    assert "TrackingUriLocal" in termination_log.read_text()
    assert guard.run({**wrong, contract.GUARD_MODE: "warn"}) == Reason.URI_LOCAL.code, (
        "what it does not know refuses"
    )


def test_refuses_when_nothing_listens(team: Workspace, termination_log: Path) -> None:
    uri = f"http://127.0.0.1:{closed_port()}"
    refused = guard.run({**team.environment, contract.TRACKING_URI: uri})
    assert refused == Reason.SERVER_UNREACHABLE.code
    assert "refuses connections" in termination_log.read_text()


def test_refuses_a_host_name_that_the_server_refuses(
    team: Workspace, termination_log: Path
) -> None:
    uri = team.url.replace("127.0.0.1", "localhost")
    refused = guard.run({**team.environment, contract.TRACKING_URI: uri})
    assert refused == Reason.HOST_REFUSED.code
    assert "not among its --allowed-hosts" in termination_log.read_text()


def test_refuses_a_missing_bucket(team: Workspace, termination_log: Path) -> None:
    name = f"gone-{os.getpid()}"
    root = f"s3://{name}/team-a"
    store_only = {**team.environment, contract.ARTIFACT_ROOT: root}
    refused = store.round_trip(store_only, Http())
    assert refused is not None
    assert refused.reason == "BucketMissing"
    assert name in refused.message


def test_follows_the_store_to_its_region_as_boto3_does(team: Workspace) -> None:
    """Nothing is lost by it: MLflow's upload of an artifact finds its way, too."""
    elsewhere = {contract.AWS_REGION: "eu-north-1"}
    done = team.mooring("guard", env=elsewhere)
    assert done.returncode == 0, done.stderr
    logged = team.pod("import mlflow; mlflow.log_text('x', 'x.txt')", env=elsewhere)
    assert logged.returncode == 0, logged.stderr


def test_refuses_an_experiment_that_leads_elsewhere(team: Workspace, termination_log: Path) -> None:
    body = {"name": "elsewhere", "artifact_location": f"s3://{BUCKET}/other-team/x"}
    team.api("experiments/create", body)
    refused = guard.run({**team.environment, contract.EXPERIMENT_NAME: "elsewhere"})
    assert refused == Reason.EXPERIMENT_ELSEWHERE.code
    told = termination_log.read_text()
    assert "ExperimentElsewhere: the experiment 'elsewhere'" in told
    assert "not under s3://mlflow/team-a/team-a" in told


def test_refuses_a_deleted_experiment(team: Workspace, termination_log: Path) -> None:
    """Its name is taken, and MLflow logs nothing to it; autolog would only warn."""
    made = team.api("experiments/create", {"name": "deleted"})
    team.api("experiments/delete", {"experiment_id": made["experiment_id"]})
    name = {contract.EXPERIMENT_NAME: "deleted"}
    lost = team.pod("import mlflow; mlflow.log_param('p', 1)", env=name)
    assert "must be in the 'active' state" in lost.stderr

    assert guard.run({**team.environment, **name}) == Reason.EXPERIMENT_DELETED.code
    assert "the experiment 'deleted'" in termination_log.read_text()


def test_refuses_an_experiment_id_that_the_name_does_not_have(
    team: Workspace, termination_log: Path
) -> None:
    """A binding gives a name; with autolog, MLflow only warns that the two differ."""
    other = team.api("experiments/create", {"name": "other"})["experiment_id"]
    lost = team.pod("import mlflow; mlflow.log_param('p', 1)", env={contract.EXPERIMENT_ID: other})
    assert "does not match the experiment id" in lost.stderr

    for wrong, said in (
        (other, f"'{other}', which is that of the experiment 'other'"),
        ("424242", "'424242', which is that of no experiment"),
        ("churn/é", "which is that of no experiment"),
    ):
        environ = {**team.environment, contract.EXPERIMENT_ID: wrong}
        assert guard.run(environ) == Reason.EXPERIMENT_ID_WRONG.code
        assert said in termination_log.read_text()
    own = team.api(f"experiments/get-by-name?experiment_name={BINDING}")["experiment"]
    environ = {**team.environment, contract.EXPERIMENT_ID: own["experiment_id"]}
    assert guard.run(environ) == 0


def test_refuses_a_run_that_cannot_go_on(team: Workspace, termination_log: Path) -> None:
    """With autolog, MLflow only warns that it takes nothing."""

    def run_in(experiment: str, **fields: str) -> dict[str, str]:
        made = team.api("experiments/create", {"name": experiment, **fields})
        run = team.api("runs/create", {"experiment_id": made["experiment_id"]})
        return {contract.RUN_ID: run["run"]["info"]["run_id"]}

    logs = "import mlflow; mlflow.log_param('p', 1)"
    deleted = run_in("of-a-deleted-run")
    team.api("runs/delete", {"run_id": deleted[contract.RUN_ID]})
    lost = team.pod(logs, env=deleted)
    assert "because it is in the deleted state" in lost.stderr

    elsewhere = run_in("run-elsewhere", artifact_location=f"s3://{BUCKET}/other-team/runs")
    for names, reason, said in (
        ({contract.RUN_ID: "0" * 32}, Reason.RUN_UNKNOWN, "has no such run"),
        ({contract.RUN_ID: "a run/of mine"}, Reason.RUN_UNKNOWN, "has no such run"),
        (deleted, Reason.RUN_DELETED, "that was deleted"),
        (elsewhere, Reason.RUN_ELSEWHERE, f"s3://{BUCKET}/other-team/runs/"),
    ):
        assert guard.run({**team.environment, **names}) == reason.code
        assert said in termination_log.read_text()

    other = run_in("of-a-good-run")
    assert guard.run({**team.environment, **other}) == 0
    logged = team.pod(logs, env=other)
    assert logged.returncode == 0, logged.stderr
    found = team.api(f"runs/get?run_id={other[contract.RUN_ID]}")["run"]["data"]
    assert found["params"] == [{"key": "p", "value": "1"}], "MLflow goes on with it where it is"


def test_refuses_a_proxy_that_is_not_there(team: Workspace, termination_log: Path) -> None:
    """The server and the store are well, and the training would reach neither."""
    gone = {"HTTP_PROXY": f"http://127.0.0.1:{closed_port()}", "http_proxy": None}
    unset = {"NO_PROXY": None, "no_proxy": None}
    lost = team.pod("import mlflow; mlflow.log_param('p', 1)", env=gone | unset)
    assert "ProxyError" in lost.stderr

    named = {"HTTP_PROXY": str(gone["HTTP_PROXY"])}
    result = guard.check({**team.environment, **named})
    assert [finding.reason for finding in result.findings] == [Reason.PROXY_FAILS] * 2
    assert "(HTTP_PROXY), which refuses connections" in str(result)
    assert guard.run({**team.environment, **named, "NO_PROXY": "127.0.0.1"}) == 0


def test_what_was_logged_with_a_key_that_may_not_list_cannot_be_read(team: Workspace) -> None:
    """The loss that the next test's guard keeps a pod from."""
    logs = "import mlflow; mlflow.start_run(); mlflow.log_text('weights', 'model.txt')"
    reads = f"{logs}\nmlflow.artifacts.load_text(mlflow.get_artifact_uri('model.txt'))"
    with limited_key(team, [action for action in ACTIONS if action != "s3:ListBucket"]) as key:
        assert team.pod(logs, env=key).returncode == 0
        assert team.pod(reads, env=key).returncode != 0


@pytest.mark.parametrize("denied", ACTIONS)
def test_refuses_a_key_that_lacks_a_right(
    team: Workspace, termination_log: Path, denied: str
) -> None:
    before = team.keys()
    with limited_key(team, [action for action in ACTIONS if action != denied]) as key:
        assert guard.run({**team.environment, **key}) == Reason.STORE_DENIED.code
    assert denied == "s3:DeleteObject" or team.keys() == before
    assert f"denies {denied} on team-a/team-a/.mooring/guard-" in termination_log.read_text()


@pytest.mark.parametrize(
    ("lists", "said"), [(False, "gave back 5 bytes of"), (True, "does not list")]
)
def test_refuses_a_store_that_does_not_keep_what_it_took(
    team: Workspace, termination_log: Path, lists: bool, said: str
) -> None:
    """A cache between, as it were: every answer is 200."""

    def stale(request: Request, ask: Callable[[], Answer]) -> Answer:
        answer = ask()
        asked = request.method == "GET" and (".mooring" in request.path.partition("?")[0]) != lists
        return Answer(200, (), b"stale") if asked else answer

    with between(team.store.s3, stale) as endpoint:
        environ = {**team.environment, contract.S3_ENDPOINT_URL: endpoint}
        assert guard.run(environ) == Reason.STORE_CORRUPTS.code
    assert said in termination_log.read_text()


@pytest.mark.parametrize(("off_s", "said"), [(-3600, "behind its own"), (3600, "ahead of its own")])
def test_the_store_refuses_a_clock_and_the_guard_says_by_how_much(
    team: Workspace,
    termination_log: Path,
    monkeypatch: pytest.MonkeyPatch,
    off_s: float,
    said: str,
) -> None:
    """The signer and the guard live an hour off; versitygw and MLflow do not."""
    now, signed = time.time, get_current_datetime
    off = timedelta(seconds=off_s)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *a: signed(*a) + off)
    monkeypatch.setattr(clock, "time", SimpleNamespace(time=lambda: now() + off_s))
    assert store.round_trip(team.environment, Http()) is not None
    assert guard.run(team.environment) == Reason.CLOCK_SKEWED.code
    of_the_server, of_the_store = termination_log.read_text().splitlines()
    assert "this node's clock is 3" in of_the_server
    assert said.removesuffix("its own") in of_the_server
    assert "RequestTimeTooSkewed" in of_the_store
    assert said in of_the_store


def test_refuses_a_token_that_the_token_service_refuses(
    team: Workspace, termination_log: Path, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text(unsigned(aud=contract.AWS_AUDIENCE, exp=time.time() + 600))
    role = "arn:aws:iam::000000000000:role/mooring-team-a_team-a"
    keyless = {
        **{k: v for k, v in team.environment.items() if k not in contract.SECRET_KEYS},
        contract.AWS_ROLE_ARN: role,
        contract.AWS_TOKEN_FILE: str(token),
        contract.AWS_STS_ENDPOINT: team.store.iam,
    }
    assert guard.run(keyless) in {Reason.ROLE_DENIED.code, Reason.ROLE_REFUSED.code}
    told = termination_log.read_text()
    assert told.startswith("Role")
    assert role in told
    assert SIGNATURE not in told

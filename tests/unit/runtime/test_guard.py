"""The guard's checks that need no server, and its patience."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring import contract, guard
from mooring.finding import Finding
from mooring.guard import environment, patience, reasons, tracking
from mooring.guard.http import Failure, Http
from mooring.guard.patience import Budget, GivenUp, patiently
from mooring.guard.reasons import Reason
from mooring.guard.result import as_json
from mooring.location import lies_under
from tests.services.between import Answer, between
from tests.services.process import closed_port

HTTP = Http()


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        (None, "TrackingUriMissing"),
        ("", "TrackingUriEmpty"),
        (" ", "TrackingUriEmpty"),
        ("http://mlflow:5000\n", "TrackingUriInvalid"),
        ("http://[fd00::1:5000", "TrackingUriInvalid"),
        ("http://mlflow:5000:5000", "TrackingUriInvalid"),
        ("sqlite:///mlflow.db", "TrackingUriLocal"),
        ("file:///mlruns", "TrackingUriLocal"),
        ("./mlruns", "TrackingUriLocal"),
        ("10.0.0.5:5000", "TrackingUriLocal"),
        ("mlflow.team-a.svc:5000", "TrackingUriLocal"),
        ("s3://mlflow/team-a", "TrackingUriLocal"),
        ("http://", "TrackingUriLocal"),
    ],
)
def test_refuses_a_uri_that_loses_runs(uri: str | None, reason: str) -> None:
    environ = {} if uri is None else {contract.TRACKING_URI: uri}
    finding = environment.uri_is_remote(environ, HTTP)
    assert finding is not None
    assert finding.reason == reason
    assert contract.TRACKING_URI in finding.message


@pytest.mark.parametrize("uri", ["http://mlflow.team-a.svc:5000", "https://mlflow.example/team"])
def test_accepts_an_http_uri(uri: str) -> None:
    assert environment.uri_is_remote({contract.TRACKING_URI: uri}, HTTP) is None


def test_a_login_in_the_uri_is_not_told() -> None:
    environ = {contract.TRACKING_URI: "sqlite://someone:hunter22@host/db"}
    finding = environment.uri_is_remote(environ, HTTP)
    assert finding is not None
    assert "hunter22" not in finding.message


def test_names_what_an_unbound_pod_lacks() -> None:
    environ = {contract.TRACKING_URI: "http://mlflow:5000", contract.WORKSPACE: "team-a/team-a"}
    finding = environment.pod_is_bound(environ, HTTP)
    assert finding is not None
    assert finding.reason == "NotBound"
    assert contract.ARTIFACT_ROOT in finding.message
    assert contract.WORKSPACE not in finding.message


@pytest.mark.parametrize(
    ("location", "under"),
    [
        ("s3://mlflow/team-a", True),
        ("s3://mlflow/team-a/", True),
        ("s3://mlflow/team-a/1/run/artifacts", True),
        ("s3://mlflow/team-ab/1", False),
        ("s3://mlflow/team-a/../team-b", False),
        ("s3://other/team-a/1", False),
        ("/mlruns/1", False),
        ("", False),
    ],
)
def test_lies_under(location: str, under: bool) -> None:
    assert lies_under(location, "s3://mlflow/team-a") is under


def test_tells_a_closed_port_from_an_unknown_name() -> None:
    closed = HTTP.request("GET", f"http://127.0.0.1:{closed_port()}/")
    unknown = HTTP.request("GET", "http://nosuch.invalid:5000/")
    assert isinstance(closed, Failure)
    assert "refuses connections" in closed.what
    assert closed.stage == "connection"
    assert unknown == Failure("the name nosuch.invalid does not resolve", "name")


def attempts(*findings: Finding | None) -> Iterator[Finding | None]:
    yield from findings


def test_waits_while_a_finding_may_pass(capsys: pytest.CaptureFixture[str]) -> None:
    starting = Finding("ServerNotReady", "not yet", patience=30)
    series = attempts(starting, starting, None)
    assert patiently(lambda: next(series), [], Budget(30)) is None
    assert capsys.readouterr().err.count("waiting up to") == 1


def test_refuses_at_once_what_does_not_pass() -> None:
    lasting = Finding("HostRefused", "never")
    series = attempts(Finding("ServerNotReady", "not yet", patience=30), lasting)
    assert patiently(lambda: next(series), [], Budget(30)) == lasting


def test_patience_ends() -> None:
    finding = Finding("ServerUnreachable", "gone", patience=0.2)
    assert patiently(lambda: finding, [], Budget(30)) == finding


def test_the_deadline_ends_all_patience() -> None:
    """Findings that take turns would each be waited for anew."""
    finding = Finding("ServerUnreachable", "gone", patience=3600)
    assert patiently(lambda: finding, [], Budget(0.2)) == finding


def test_what_may_pass_is_not_told_beside_what_does_not() -> None:
    budget = Budget(30)
    budget.give_up()
    with pytest.raises(GivenUp):
        patiently(lambda: Finding("StoreUnreachable", "gone", patience=30), [], budget)
    lasting = Finding("BucketMissing", "gone")
    assert patiently(lambda: lasting, [], budget) == lasting


BOUND = {
    contract.TRACKING_URI: "http://nosuch.invalid:5000",
    contract.WORKSPACE: "team-a/team-a",
    contract.BINDING: "team-a",
    contract.ARTIFACT_ROOT: "s3://mlflow/team-a",
}


def test_one_side_that_cannot_mend_ends_the_waiting_of_the_other() -> None:
    """The server's name may come to be known for a minute; that credentials lack is certain."""
    result = guard.check(BOUND)
    assert [finding.reason for finding in result.findings] == ["NoCredentials"]
    assert result.seconds < tracking.SERVER_PATIENCE_S / 2
    assert result.exit_code == Reason.NO_CREDENTIALS.code


def test_both_sides_are_told_in_the_order_of_the_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "DEADLINE_S", 0.2)
    keys = {contract.AWS_ACCESS_KEY_ID: "AKIA1234", contract.AWS_SECRET_ACCESS_KEY: "secret"}
    store = {contract.S3_ENDPOINT_URL: "http://nosuch.invalid:7070"}
    result = guard.check(BOUND | keys | store)
    assert [f.reason for f in result.findings] == ["ServerNameUnknown", "StoreNameUnknown"]
    assert "needs dnsPolicy: ClusterFirstWithHostNet. See: kubectl" in result.findings[0].remedy
    assert result.exit_code == Reason.SERVER_NAME_UNKNOWN.code


@pytest.mark.parametrize("name", [contract.TRACKING_TOKEN, contract.TRACKING_PASSWORD])
def test_a_line_end_in_the_login_is_told_without_the_login(name: str) -> None:
    [finding] = guard.check({**BOUND, name: "very-secret\n"}).findings
    assert finding.reason == Reason.LOGIN_INVALID
    assert name in finding.message
    assert "very-secret" not in str(finding)


def test_what_is_no_mlflow_is_told_in_one_line() -> None:
    page = b"<html>\n<head><title>Welcome to nginx!</title></head>\n</html>"
    with between("http://127.0.0.1:9", lambda *_: Answer(200, (), page)) as uri:
        proxied = {contract.TRACKING_URI: uri, contract.ARTIFACT_ROOT: contract.PROXIED_ROOT}
        result = guard.check(BOUND | proxied)
    assert result.exit_code == Reason.NOT_MLFLOW.code
    assert "HTTP 200: <html> <head><title>Welcome to nginx!" in str(result)
    assert "\n" not in str(result)


@given(uri=st.text())
def test_any_uri_is_judged_and_none_breaks_the_guard(uri: str) -> None:
    found = guard.check({**BOUND, contract.TRACKING_URI: f"s3:{uri}"}).findings
    assert [finding.reason for finding in found] in ([Reason.URI_LOCAL], [Reason.URI_INVALID])


def test_what_breaks_the_guard_is_told_without_the_words_of_the_exception(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the password is hunter22")

    monkeypatch.setattr(guard, "FIRST", (broken,))
    result = guard.check({})
    [finding] = result.findings
    assert finding.reason == Reason.GUARD_FAILED
    assert "RuntimeError at test_guard.py:" in finding.message
    assert "hunter22" not in str(result)
    assert result.exit_code == 1
    assert guard.check({contract.GUARD_MODE: contract.GUARD_WARN}).exit_code == 0


def test_the_result_for_machines_has_all_of_it_and_no_secret() -> None:
    environ = {
        contract.TRACKING_URI: "sqlite:///very-secret",
        contract.TRACKING_PASSWORD: "very-secret",
    }
    result = guard.check(environ)
    found = json.loads(as_json(result))
    assert found["verdict"] == "Refuses"
    assert found["exitCode"] == Reason.URI_LOCAL.code
    assert found["findings"] == [
        {
            "reason": "TrackingUriLocal",
            "exitCode": Reason.URI_LOCAL.code,
            "message": result.findings[0].message,
            "remedy": "Remove what sets it in the pod or its image; the binding provides it.",
        }
    ]
    assert "very-secret" not in as_json(result)


def test_each_reason_has_an_exit_code_of_its_own() -> None:
    codes = [reason.code for reason in Reason]
    assert len(set(codes)) == len(codes)
    # 2 is a wrong command line, from 126 on the shell's and the kubelet's
    assert all(code == 1 or 10 <= code < 100 for code in codes)
    assert all(reasons.exit_code_of(str(reason)) == reason.code for reason in Reason)


def test_the_page_has_the_reasons_as_the_code_has_them() -> None:
    page = Path("docs/guard.md").read_text()
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.*) \|$", page, re.MULTILINE)
    assert rows == [(str(reason.code), reason.value, reason.meaning) for reason in Reason]


def test_no_reason_is_left_over() -> None:
    folder = Path(guard.__file__).parent
    text = "".join(file.read_text() for file in folder.glob("*.py") if file.stem != "reasons")
    assert [r.name for r in Reason if not re.search(rf"Reason\.{r.name}\b", text)] == []


@pytest.mark.parametrize(
    ("login", "headers"),
    [
        ({}, {}),
        ({contract.TRACKING_TOKEN: "t"}, {"authorization": "Bearer t"}),
        (
            {contract.TRACKING_USERNAME: "a", contract.TRACKING_PASSWORD: "b"},
            {"authorization": "Basic YTpi"},
        ),
        (
            {
                contract.TRACKING_USERNAME: "a",
                contract.TRACKING_PASSWORD: "b",
                contract.TRACKING_TOKEN: "t",
            },
            {"authorization": "Basic YTpi"},
        ),
        ({contract.MLFLOW_WORKSPACE: "team-a"}, {"X-MLFLOW-WORKSPACE": "team-a"}),
    ],
)
def test_logs_in_as_mlflow_s_client_does(login: dict[str, str], headers: dict[str, str]) -> None:
    assert tracking.login(login) == headers

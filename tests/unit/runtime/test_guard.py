"""The guard's checks that need no server, and its patience."""

from collections.abc import Iterator

import pytest

from mooring import contract, guard
from mooring.finding import Finding
from mooring.guard import tracking
from mooring.guard.http import Failure, Http
from mooring.location import lies_under
from tests.services.process import free_port

HTTP = Http()


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        (None, "TrackingUriMissing"),
        ("", "TrackingUriEmpty"),
        (" ", "TrackingUriEmpty"),
        ("http://mlflow:5000\n", "TrackingUriInvalid"),
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
    finding = tracking.uri_is_remote(environ, HTTP)
    assert finding is not None
    assert finding.reason == reason
    assert contract.TRACKING_URI in finding.message


@pytest.mark.parametrize("uri", ["http://mlflow.team-a.svc:5000", "https://mlflow.example/team"])
def test_accepts_an_http_uri(uri: str) -> None:
    assert tracking.uri_is_remote({contract.TRACKING_URI: uri}, HTTP) is None


def test_a_login_in_the_uri_is_not_told() -> None:
    environ = {contract.TRACKING_URI: "sqlite://someone:hunter22@host/db"}
    finding = tracking.uri_is_remote(environ, HTTP)
    assert finding is not None
    assert "hunter22" not in finding.message


def test_names_what_an_unbound_pod_lacks() -> None:
    environ = {contract.TRACKING_URI: "http://mlflow:5000", contract.WORKSPACE: "team-a/team-a"}
    finding = tracking.pod_is_bound(environ, HTTP)
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
    closed = HTTP.request("GET", f"http://127.0.0.1:{free_port()}/")
    unknown = HTTP.request("GET", "http://nosuch.invalid:5000/")
    assert isinstance(closed, Failure)
    assert "refuses connections" in closed.what
    assert unknown == Failure("the name nosuch.invalid does not resolve")


def attempts(*findings: Finding | None) -> Iterator[Finding | None]:
    yield from findings


def test_waits_while_a_finding_may_pass(capsys: pytest.CaptureFixture[str]) -> None:
    starting = Finding("ServerNotReady", "not yet", patience=30)
    series = attempts(starting, starting, None)
    assert guard.patiently(lambda: next(series), []) is None
    assert capsys.readouterr().err.count("waiting up to") == 1


def test_refuses_at_once_what_does_not_pass() -> None:
    lasting = Finding("HostRefused", "never")
    series = attempts(Finding("ServerNotReady", "not yet", patience=30), lasting)
    assert guard.patiently(lambda: next(series), []) == lasting


def test_patience_ends() -> None:
    finding = Finding("ServerUnreachable", "gone", patience=0.2)
    assert guard.patiently(lambda: finding, []) == finding


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

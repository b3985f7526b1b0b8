"""What a finding tells, and what it must not tell."""

from pathlib import Path

import pytest

from mooring import contract, finding
from mooring.finding import Finding, redacted, secrets_of, tell


def test_secrets_are_those_of_the_contract() -> None:
    environ = {
        contract.AWS_ACCESS_KEY_ID: "AKIA1234",
        contract.AWS_SECRET_ACCESS_KEY: "very-secret",
        contract.TRACKING_URI: "http://mlflow:5000",
    }
    assert sorted(secrets_of(environ)) == ["AKIA1234", "very-secret"]


def test_redacts_longer_secrets_first() -> None:
    told = redacted("key secret-and-more and secret-", ["secret-", "secret-and-more"])
    assert told == "key *** and ***"


def test_leaves_short_values_alone() -> None:
    assert redacted("a user called a", ["a"]) == "a user called a"


def test_tells_in_the_termination_log_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "termination-log"
    monkeypatch.setattr(finding, "TERMINATION_LOG", log)
    tell(Finding("Reason", "the key very-secret is wrong" + "." * 5000), ["very-secret"])
    assert log.read_text().startswith("Reason: the key *** is wrong")
    assert log.stat().st_size == finding.TERMINATION_LOG_BYTES
    assert "very-secret" not in capsys.readouterr().err


def test_needs_no_termination_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "TERMINATION_LOG", tmp_path / "no-folder" / "log")
    tell(Finding("Reason", "message"), [])

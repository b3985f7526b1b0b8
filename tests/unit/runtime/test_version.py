"""Which servers the client in an image fits."""

import pytest

from mooring import contract
from mooring.finding import Finding
from mooring.guard import tracking, version
from mooring.guard.http import Answer, Http
from mooring.guard.reasons import Reason

ENVIRON = {contract.TRACKING_URI: "http://mlflow:5000"}
UNREACHABLE = Finding(Reason.SERVER_UNREACHABLE, "gone")


@pytest.mark.parametrize(
    ("client", "answer", "fits"),
    [
        ("3.17.2", Answer(200, b"3.11.1"), True),
        ("3.17.2", Answer(200, b"3.18.0.dev0"), True),
        ("2.22.5", Answer(200, b"3.17.2"), True),
        ("3.17.2", Answer(200, b"2.22.5"), False),
        (None, Answer(200, b"2.22.5"), True),
        ("3.17.2", Answer(401, b"You are not authenticated"), True),
        ("3.17.2", Answer(404, b""), True),
        ("3.17.2", Answer(200, b"<html>"), True),
        ("3.17.2", Answer(200, b""), True),
        ("3.17.2", UNREACHABLE, True),
    ],
)
def test_a_later_major_version_than_the_server_s_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    client: str | None,
    answer: Answer | Finding,
    fits: bool,
) -> None:
    monkeypatch.setattr(version, "client_version", lambda: client)
    monkeypatch.setattr(tracking, "asked", lambda *_: answer)
    finding = version.server_knows_the_client(ENVIRON, Http())
    assert (finding is None) is fits
    assert finding is None or finding.reason == Reason.SERVER_TOO_OLD


def test_the_client_is_found_without_importing_it() -> None:
    found = version.client_version()
    assert found is not None
    assert found.startswith("3.")

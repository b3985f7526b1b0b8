"""What the guard sees in a projected token by itself, and the node's clock beside a server's."""

import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from mooring.contract import AWS_AUDIENCE
from mooring.guard import clock
from mooring.guard.explain import Refusal, refusal, role_refusal
from mooring.guard.http import Answer
from mooring.guard.reasons import Reason
from mooring.guard.token import fresh_token
from tests.services.tokens import SIGNATURE, unsigned
from tests.unit.runtime.test_store import BUCKET, xml

ROLE = "arn:aws:iam::1:role/r"


def written(folder: Path, **claims: Any) -> str:
    """A file with a token that says so of itself."""
    (folder / "token").write_text(unsigned(**claims))
    return str(folder / "token")


def test_a_fresh_token_for_the_audience_is_given(tmp_path: Path) -> None:
    for audience in (AWS_AUDIENCE, ["other", AWS_AUDIENCE]):
        file = written(tmp_path, aud=audience, exp=time.time() + 600)
        assert fresh_token(file, AWS_AUDIENCE) == Path(file).read_text()


def test_of_a_token_for_others_the_token_service_says_what_misleads() -> None:
    """AWS and versitygw answer so, and the trust policy may well be right."""
    finding = role_refusal(Answer(400, xml("InvalidIdentityToken")), ROLE, "http://sts")
    assert finding.reason == Reason.ROLE_DENIED
    assert "trust policy" in finding.remedy


@pytest.mark.parametrize(
    ("claims", "reason", "said"),
    [
        (
            {"aud": ["https://kubernetes.default.svc"], "exp": 2**40},
            Reason.TOKEN_FOR_OTHERS,
            "is for ['https://kubernetes.default.svc'] and not for 'sts.amazonaws.com'",
        ),
        ({"exp": 2**40}, Reason.TOKEN_FOR_OTHERS, "is for None"),
        ({"aud": AWS_AUDIENCE, "exp": 1}, Reason.TOKEN_EXPIRED, " s ago, by this node's clock"),
        ({"aud": AWS_AUDIENCE}, Reason.TOKEN_EXPIRED, " s ago"),
        ({"aud": AWS_AUDIENCE, "exp": "soon"}, Reason.TOKEN_EXPIRED, " s ago"),
    ],
)
def test_refuses_a_token_that_no_service_would_take(
    tmp_path: Path, claims: dict[str, Any], reason: Reason, said: str
) -> None:
    with pytest.raises(Refusal) as refused:
        fresh_token(written(tmp_path, **claims), AWS_AUDIENCE)
    assert refused.value.finding.reason == reason
    assert said in refused.value.finding.message
    assert SIGNATURE not in str(refused.value.finding)


def test_tells_by_how_much_a_token_is_too_old(tmp_path: Path) -> None:
    with pytest.raises(Refusal) as refused:
        fresh_token(written(tmp_path, aud=AWS_AUDIENCE, exp=time.time() - 3600), AWS_AUDIENCE)
    assert "over 3600 s ago" in refused.value.finding.message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, Reason.NO_TOKEN),
        (b"\xff\xfe", Reason.NO_TOKEN),
        (b"", Reason.TOKEN_INVALID),
        (b"no-token", Reason.TOKEN_INVALID),
        (b"a.b.c", Reason.TOKEN_INVALID),
        (b"a.W10.c", Reason.TOKEN_INVALID),
        ("a.\u00e9.c".encode(), Reason.TOKEN_INVALID),
    ],
)
def test_refuses_what_is_no_token(tmp_path: Path, content: bytes | None, reason: Reason) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Refusal) as refused:
        fresh_token(str(file), AWS_AUDIENCE)
    assert refused.value.finding.reason == reason
    assert str(file) in refused.value.finding.message


@pytest.mark.parametrize(
    ("off_s", "said"),
    [
        (0, ""),
        (clock.LIMIT_S - 60, ""),
        (60 - clock.LIMIT_S, ""),
        (3600, "3600 s behind that of the server"),
        (-3600, "3600 s ahead of that of the server"),
    ],
)
def test_says_by_how_much_the_clock_is_off(off_s: float, said: str) -> None:
    # half a second off a whole one: the header has whole seconds
    ahead = clock.ahead_s(formatdate(time.time() + off_s + 0.5, usegmt=True))
    assert ahead is not None
    assert abs(ahead - off_s) < 30
    finding = clock.disagreement("the server", float(off_s))
    told = finding.message if finding else ""
    assert said in told
    assert bool(said) is bool(told)


@pytest.mark.parametrize("date", [None, "", "yesterday", "Sat, 99 Nov 2026 00:00:00 GMT"])
def test_a_server_without_a_date_says_nothing_of_the_clock(date: str | None) -> None:
    assert clock.disagreement("the server", clock.ahead_s(date)) is None


@pytest.mark.parametrize(("ahead", "said"), [(7200.0, "7200 s behind its own"), (None, "Skewed).")])
def test_a_store_that_refuses_the_time_is_quoted(ahead: float | None, said: str) -> None:
    answer = Answer(403, xml("RequestTimeTooSkewed"), ahead)
    finding = refusal(answer, BUCKET, "PUT", "team-a/x")
    assert finding.reason == Reason.CLOCK_SKEWED
    assert said in finding.message

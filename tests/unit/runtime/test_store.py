"""Where the guard's credentials come from, and what it says of the store's answers."""

import time
from pathlib import Path

import pytest

from mooring import contract
from mooring.guard.bucket import Bucket, Credentials
from mooring.guard.credentials import current_credentials
from mooring.guard.explain import Refusal, error_of, refusal, role_refusal
from mooring.guard.http import Answer, Failure, Http
from mooring.guard.s3 import region_told
from tests.services.tokens import unsigned

KEYS = {contract.AWS_ACCESS_KEY_ID: "AKIA1234", contract.AWS_SECRET_ACCESS_KEY: "very-secret"}
BUCKET = Bucket(
    endpoint="http://store:7070",
    name="mlflow",
    region="us-east-1",
    ca_file="",
    credentials=Credentials("AKIA1234", "very-secret", None, "the access key AKIA1234"),
)


def xml(code: str, message: str = "said the store") -> bytes:
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


def test_keys_win_over_the_role_as_in_boto3() -> None:
    environ = {**KEYS, contract.AWS_ROLE_ARN: "arn:x", contract.AWS_TOKEN_FILE: "/nosuch"}
    found = current_credentials(environ, Http())
    assert (found.access_key, found.token) == ("AKIA1234", None)
    assert "very-secret" not in repr(found)


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({}, "NoCredentials"),
        ({contract.AWS_ROLE_ARN: "arn:x"}, "NoCredentials"),
        ({**KEYS, contract.AWS_SECRET_ACCESS_KEY: "very-secret\n"}, "CredentialsInvalid"),
        ({contract.AWS_ROLE_ARN: "arn:x", contract.AWS_TOKEN_FILE: "/nosuch/token"}, "NoToken"),
    ],
)
def test_says_what_credentials_lack(environ: dict[str, str], reason: str) -> None:
    with pytest.raises(Refusal) as refused:
        current_credentials(environ, Http())
    assert refused.value.finding.reason == reason
    assert "very-secret" not in str(refused.value.finding)


def test_an_unreachable_token_service_is_waited_for(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(unsigned(aud=contract.AWS_AUDIENCE, exp=time.time() + 600))
    environ = {
        contract.AWS_ROLE_ARN: "arn:x",
        contract.AWS_TOKEN_FILE: str(token),
        contract.AWS_STS_ENDPOINT: "http://nosuch.invalid:7071",
    }
    with pytest.raises(Refusal) as refused:
        current_credentials(environ, Http())
    assert refused.value.finding.reason == "StoreNameUnknown"
    assert refused.value.finding.patience > 0


@pytest.mark.parametrize(
    ("status", "body", "reason", "waits"),
    [
        (404, xml("NoSuchBucket"), "BucketMissing", False),
        (403, xml("AccessDenied"), "StoreDenied", True),
        (403, xml("InvalidAccessKeyId"), "CredentialsUnknown", True),
        (403, xml("SignatureDoesNotMatch"), "CredentialsWrong", True),
        (403, xml("RequestTimeTooSkewed"), "ClockSkewed", False),
        (500, xml("InternalError"), "StoreRefused", True),
        (400, xml("InvalidBucketName"), "StoreRefused", False),
        (502, b"<html>no XML <br>", "StoreRefused", True),
    ],
)
def test_tells_the_stores_answers_apart(status: int, body: bytes, reason: str, waits: bool) -> None:
    finding = refusal(Answer(status, body), BUCKET, "PUT", "team-a/.mooring/x")
    assert finding.reason == reason
    assert (finding.patience > 0) is waits
    assert "http://store:7070" in finding.message
    assert "very-secret" not in finding.message


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("AccessDenied", "RoleDenied"),
        ("InvalidIdentityToken", "RoleDenied"),
        ("ExpiredTokenException", "TokenExpired"),
        ("ValidationError", "RoleRefused"),
    ],
)
def test_tells_the_token_services_answers_apart(code: str, reason: str) -> None:
    finding = role_refusal(Answer(400, xml(code)), "arn:aws:iam::1:role/r", "http://sts:7071")
    assert finding.reason == reason
    assert "arn:aws:iam::1:role/r" in finding.message


def test_reads_answers_with_a_namespace() -> None:
    body = b'<R xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><C><K>v</K></C></R>'
    assert error_of(Answer(200, body))["K"] == "v"


def test_objects_are_addressed_by_path() -> None:
    assert BUCKET.url("team-a/a b") == "http://store:7070/mlflow/team-a/a%20b"


@pytest.mark.parametrize(
    ("answer", "region"),
    [
        (Answer(400, b"<E><Code>AuthorizationHeaderMalformed</Code><Region>r</Region></E>"), "r"),
        (Answer(301, xml("PermanentRedirect"), region="r"), "r"),
        (Answer(400, xml("AuthorizationHeaderMalformed")), ""),
        (Answer(403, xml("AccessDenied"), region="r"), ""),
        (Answer(200, b"", region="r"), ""),
        (Failure("takes no connection"), ""),
    ],
)
def test_a_store_is_followed_to_the_region_that_it_names(
    answer: Answer | Failure, region: str
) -> None:
    assert region_told(answer) == region

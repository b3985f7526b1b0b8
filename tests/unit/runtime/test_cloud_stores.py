"""What the guard says of the answers of Azure and Google."""

from urllib.parse import urlsplit

import pytest

from mooring import contract
from mooring.guard import azure, gcs, store
from mooring.guard.explain import Refusal
from mooring.guard.http import Answer, Http

CONTAINER = azure.Container("https://a.blob.core.windows.net", "team-a", "", "sig=not-to-be-seen")
BUCKET = gcs.Bucket("https://storage.googleapis.com", "mlflow", "sa@p.iam", "not-to-be-seen")


def xml(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>said\nRequestId:1</Message></Error>".encode()


@pytest.mark.parametrize(
    ("status", "body", "reason", "waits"),
    [
        (404, xml("ContainerNotFound"), "BucketMissing", False),
        (403, xml("AuthenticationFailed"), "CredentialsUnknown", True),
        (403, xml("AuthorizationFailure"), "CredentialsUnknown", True),
        (403, xml("AuthorizationPermissionMismatch"), "StoreDenied", True),
        (503, xml("ServerBusy"), "StoreRefused", True),
        (400, xml("InvalidHeaderValue"), "StoreRefused", False),
        (502, b"<html>no XML <br>", "StoreRefused", True),
    ],
)
def test_tells_azures_answers_apart(status: int, body: bytes, reason: str, waits: bool) -> None:
    finding = azure.refusal(Answer(status, body), CONTAINER, "PUT", ".mooring/x")
    assert finding.reason == reason
    assert (finding.patience > 0) is waits
    assert "team-a" in finding.message
    assert "not-to-be-seen" not in str(finding)
    assert "not-to-be-seen" not in repr(CONTAINER)
    assert "RequestId" not in finding.message


@pytest.mark.parametrize(
    ("status", "reason", "waits"),
    [
        (404, "BucketMissing", False),
        (403, "StoreDenied", True),
        (401, "CredentialsUnknown", True),
        (400, "StoreRefused", False),
        (429, "StoreRefused", True),
        (503, "StoreRefused", True),
    ],
)
def test_tells_googles_answers_apart(status: int, reason: str, waits: bool) -> None:
    finding = gcs.refusal(Answer(status, b"{}"), BUCKET, "PUT", "a/x")
    assert finding.reason == reason
    assert (finding.patience > 0) is waits
    assert "not-to-be-seen" not in f"{finding} {BUCKET!r}"


def test_an_object_with_every_sign_in_its_name() -> None:
    assert BUCKET.request("GET", "a b/c?d")[1].endswith("/b/mlflow/o/a%20b%2Fc%3Fd?alt=media")
    method, url = BUCKET.request("PUT", "a b/c&d")
    assert method == "POST"
    assert url.endswith("?uploadType=media&name=a%20b%2Fc%26d")


def test_a_store_that_does_not_answer_is_waited_for() -> None:
    environ = {
        contract.AZURE_CONNECTION_STRING: "BlobEndpoint=http://nosuch.invalid/a;"
        "SharedAccessSignature=sig=not-to-be-seen"
    }
    call = azure.opened(environ, Http(), urlsplit("wasbs://team-a@a.blob.core.windows.net"))
    with pytest.raises(Refusal) as refused:
        call("PUT", "x", b"x")
    assert refused.value.finding.reason == "StoreNameUnknown"
    assert refused.value.finding.patience > 0
    assert contract.AZURE_CONNECTION_STRING in refused.value.finding.remedy
    assert "not-to-be-seen" not in str(refused.value.finding)


def test_a_store_of_another_release_is_told() -> None:
    finding = store.round_trip({contract.ARTIFACT_ROOT: "abfss://c@a.dfs.core.windows.net"}, Http())
    assert finding is not None
    assert finding.reason == "UnknownStore"

"""What a platform engineer reads when the artifact store of a class does not do its part."""

import dataclasses
import json

import pytest

from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.protocol import S3Connection, StoreGrant
from mooring_operator.stores.s3_iam import S3IamStore
from tests.integration.stores.s3_client import OK, admin, outcome
from tests.integration.stores.web import web_server
from tests.services.process import closed_port

ADMIN = "artifactStore.s3.adminSecret"
S3 = "artifactStore.s3.endpoint"
IAM = "artifactStore.s3.iam.endpoint"
STS = "artifactStore.s3.sts.endpoint"


def refusal(connection: S3Connection) -> StoreError:
    with pytest.raises(StoreError) as raised:
        S3IamStore(connection).check()
    assert connection.secret_access_key not in f"{raised.value} {raised.value!r}"
    return raised.value


def test_a_good_connection_is_proven_and_the_bucket_made(minted: S3Connection) -> None:
    assert outcome(admin(minted).head_bucket, Bucket=minted.bucket) == "404"
    S3IamStore(minted).check()
    assert outcome(admin(minted).head_bucket, Bucket=minted.bucket) == OK


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("secret_access_key", "wrong-and-not-to-be-seen", "SignatureDoesNotMatch"),
        ("access_key_id", "nobody", "InvalidClientTokenId"),
    ],
)
def test_a_wrong_admin_key(minted: S3Connection, field: str, value: str, code: str) -> None:
    error = refusal(dataclasses.replace(minted, **{field: value}))  # type: ignore[arg-type]

    assert error.reason is Reason.WRONG_CREDENTIALS
    assert not error.transient
    assert code in error.message
    assert ADMIN in error.message
    assert str(minted.sts_endpoint) in error.message
    S3IamStore(minted).check()


def test_a_key_that_s3_alone_does_not_accept(minted: S3Connection) -> None:
    """The answer to HEAD says 403 and nothing else; the reason must still be told."""
    store = S3IamStore(dataclasses.replace(minted, secret_access_key="wrong"))
    with pytest.raises(StoreError) as raised:
        store.ensure(StoreGrant("mooring-a_b", "a/b"))
    assert raised.value.reason is Reason.WRONG_CREDENTIALS
    assert str(minted.endpoint) in raised.value.message


def test_a_key_that_is_withdrawn_after_it_was_proven(minted: S3Connection, unique: str) -> None:
    iam, name = admin(minted, "iam"), f"second-admin-{unique}"
    iam.create_user(UserName=name)
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [everything]}
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    second = dataclasses.replace(
        minted, access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"]
    )
    S3IamStore(second).check()

    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])

    error = refusal(second)
    assert error.reason is Reason.WRONG_CREDENTIALS
    assert str(minted.sts_endpoint) in error.message


def test_an_admin_that_may_nothing(minted: S3Connection, unique: str) -> None:
    iam, name = admin(minted, "iam"), f"weak-{unique}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    weak = dataclasses.replace(
        minted, access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"]
    )

    error = refusal(weak)

    assert error.reason is Reason.ACCESS_DENIED
    assert name in error.message
    assert ADMIN in error.message


@pytest.mark.parametrize("name", ["no spaces", "Capital", "ab", "under_score", "-dash", "ends-"])
def test_a_bucket_name_that_is_not_allowed(minted: S3Connection, name: str) -> None:
    error = refusal(dataclasses.replace(minted, bucket=name))
    assert error.reason is Reason.INVALID_BUCKET_NAME
    assert not error.transient
    assert repr(name) in error.message
    assert "artifactStore.s3.bucket" in error.message


def test_a_name_that_only_the_server_refuses(minted: S3Connection) -> None:
    error = refusal(dataclasses.replace(minted, bucket="192.168.5.4"))
    assert error.reason is Reason.INVALID_BUCKET_NAME


@pytest.mark.parametrize(
    ("field", "name"), [("endpoint", S3), ("iam_endpoint", IAM), ("sts_endpoint", STS)]
)
def test_an_endpoint_that_does_not_answer(minted: S3Connection, field: str, name: str) -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    error = refusal(dataclasses.replace(minted, **{field: url}))  # type: ignore[arg-type]
    assert error.reason is Reason.UNREACHABLE
    assert error.transient
    assert url in error.message
    assert name in error.message


def test_an_endpoint_without_a_host(minted: S3Connection) -> None:
    error = refusal(dataclasses.replace(minted, endpoint="http://nobody.invalid:7070"))
    assert error.reason is Reason.UNKNOWN_HOST
    assert "http://nobody.invalid:7070" in error.message
    assert S3 in error.message


def test_tls_where_there_is_none(minted: S3Connection) -> None:
    url = str(minted.endpoint).replace("http:", "https:")
    error = refusal(dataclasses.replace(minted, endpoint=url))
    assert error.reason is Reason.TLS_REFUSED
    assert S3 in error.message


def test_the_iam_api_where_s3_should_be(minted: S3Connection) -> None:
    error = refusal(dataclasses.replace(minted, endpoint=minted.iam_endpoint))
    assert error.reason is Reason.UNEXPECTED_ANSWER
    assert S3 in error.message


@pytest.mark.parametrize(
    ("status", "reason"),
    [(200, Reason.UNEXPECTED_ANSWER), (404, Reason.UNEXPECTED_ANSWER), (503, Reason.BUSY)],
)
def test_a_web_page_where_sts_should_be(minted: S3Connection, status: int, reason: Reason) -> None:
    with web_server(status) as url:
        error = refusal(dataclasses.replace(minted, sts_endpoint=url))
    assert error.reason is reason
    assert error.transient is (reason is Reason.BUSY)
    assert url in error.message

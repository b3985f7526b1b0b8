"""What a platform engineer reads when the storage account of a class does not do its part."""

import base64
import dataclasses
import time
from collections.abc import Callable

import pytest

from mooring_operator.stores.azure import AzureBlobStore
from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.protocol import AzureConnection, StoreGrant
from tests.integration.stores.web import web_server
from tests.services.process import closed_port

ADMIN = "artifactStore.azure.adminSecret"
KEY = "AZURE_STORAGE_ACCESS_KEY"
ENDPOINT = "artifactStore.azure.endpoint"
ACCOUNT = "artifactStore.azure.account"
SECONDS = 5.0
"""Azure's own client takes 82 s to say that nothing answers."""


def told(connection: AzureConnection, ask: Callable[[AzureBlobStore], object]) -> StoreError:
    started = time.monotonic()
    with pytest.raises(StoreError) as raised:
        ask(AzureBlobStore(connection))
    assert connection.account_key not in f"{raised.value} {raised.value!r}"
    assert time.monotonic() - started < SECONDS
    return raised.value


def refusal(connection: AzureConnection) -> StoreError:
    return told(connection, lambda store: store.check())


def test_a_good_connection_is_proven(azure: AzureConnection) -> None:
    AzureBlobStore(azure).check()


def test_a_wrong_key(azure: AzureConnection, unique: str) -> None:
    wrong = base64.b64encode(b"wrong-and-not-to-be-seen").decode()
    connection = dataclasses.replace(azure, account_key=wrong)
    for error in (
        refusal(connection),
        told(connection, lambda store: store.ensure(StoreGrant(f"mooring-{unique}", ""))),
        told(connection, lambda store: store.revoke(f"mooring-{unique}")),
    ):
        assert error.reason is Reason.WRONG_CREDENTIALS
        assert not error.transient
        assert ADMIN in error.message
        assert KEY in error.message
        assert azure.endpoint in error.message


@pytest.mark.parametrize("key", ["not base64 at all", "YWJj=ZGVm", "YWJ", "schlüssel"])
def test_a_key_that_is_not_base64(azure: AzureConnection, key: str) -> None:
    error = refusal(dataclasses.replace(azure, account_key=key))
    assert error.reason is Reason.WRONG_CREDENTIALS
    assert "not base64" in error.message
    assert ADMIN in error.message


def test_an_account_that_the_endpoint_does_not_have(azure: AzureConnection) -> None:
    endpoint = azure.endpoint.replace(azure.account, "otheraccount")
    error = refusal(dataclasses.replace(azure, account="otheraccount", endpoint=endpoint))
    assert error.reason is Reason.UNEXPECTED_ANSWER
    assert ACCOUNT in error.message


@pytest.mark.parametrize("name", ["Capital", "a--b", "ab", "under_score"])
def test_a_container_name_that_is_not_allowed(azure: AzureConnection, name: str) -> None:
    error = told(azure, lambda store: store.ensure(StoreGrant(name, "")))
    assert error.reason is Reason.UNEXPECTED_ANSWER
    assert name in error.message


def test_an_endpoint_that_does_not_answer(azure: AzureConnection) -> None:
    url = f"http://127.0.0.1:{closed_port()}/{azure.account}"
    error = refusal(dataclasses.replace(azure, endpoint=url))
    assert error.reason is Reason.UNREACHABLE
    assert error.transient
    assert url in error.message
    assert ENDPOINT in error.message


def test_an_account_without_a_host(azure: AzureConnection) -> None:
    url = "https://nobody.blob.invalid"
    error = refusal(dataclasses.replace(azure, endpoint=url))
    assert error.reason is Reason.UNKNOWN_HOST
    assert url in error.message
    assert ACCOUNT in error.message


def test_tls_where_there_is_none(azure: AzureConnection) -> None:
    error = refusal(dataclasses.replace(azure, endpoint=azure.endpoint.replace("http:", "https:")))
    assert error.reason is Reason.TLS_REFUSED
    assert ENDPOINT in error.message


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (200, Reason.UNEXPECTED_ANSWER),
        (302, Reason.UNEXPECTED_ANSWER),
        (404, Reason.UNEXPECTED_ANSWER),
        (403, Reason.ACCESS_DENIED),
        (503, Reason.BUSY),
    ],
)
def test_a_web_page_where_the_account_should_be(
    azure: AzureConnection, status: int, reason: Reason
) -> None:
    with web_server(status) as url:
        connection = dataclasses.replace(azure, endpoint=url)
        errors = [
            refusal(connection),
            told(connection, lambda store: store.ensure(StoreGrant("mooring-a", ""))),
        ]
    for error in errors:
        assert error.reason is reason
        assert error.transient is (reason is Reason.BUSY)
        assert url in error.message

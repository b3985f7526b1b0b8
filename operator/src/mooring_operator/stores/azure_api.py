"""Calls to Azure's Blob service with the account's key, and every refusal told in words.

urllib3 instead of Azure's SDK: five calls are needed, and importing the SDK costs the operator
30 MB and 1.6 s (docs/dependencies.md).
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Final
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree as ET

import urllib3
from urllib3 import exceptions

from mooring.contract import AZURE_ACCESS_KEY
from mooring_operator.stores.azure_sas import VERSION, signature
from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.http_errors import no_answer
from mooring_operator.stores.protocol import AzureConnection

ADMIN_FIELD: Final = "artifactStore.azure.adminSecret"
ENDPOINT_FIELD: Final = "artifactStore.azure.endpoint"
ACCOUNT_FIELD: Final = "artifactStore.azure.account"

_TIMEOUT: Final = urllib3.Timeout(connect=5, read=20)
_RETRIES: Final = urllib3.Retry(total=1, redirect=False, status=False)
"""One retry, for a kept connection that the other end has closed; the queue waits and tries on."""

_BUSY: Final = frozenset(
    {"ServerBusy", "OperationTimedOut", "InternalError", "ContainerBeingDeleted"}
)
_ADMIN: Final = (
    f"correct {AZURE_ACCESS_KEY} in the Secret that {ADMIN_FIELD} names, or {ACCOUNT_FIELD}"
)
_POOLS: Final = urllib3.PoolManager(timeout=_TIMEOUT, retries=_RETRIES, maxsize=8)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service answered to a call that it did."""

    headers: Mapping[str, str]
    body: bytes


class AzureError(StoreError):
    """The service answered, with an error `code`."""

    def __init__(self, reason: Reason, message: str, *, code: str) -> None:
        super().__init__(reason, message, transient=reason is Reason.BUSY)
        self.code = code


def key_of(connection: AzureConnection) -> bytes:
    """The account's key as bytes; StoreError when it is not base64."""
    try:
        return base64.b64decode(connection.account_key, validate=True)
    except ValueError:
        raise StoreError(
            Reason.WRONG_CREDENTIALS,
            f"account {connection.account}: the key is not base64, as Azure's keys are: {_ADMIN}.",
            transient=False,
        ) from None


def call(
    connection: AzureConnection,
    method: str,
    container: str,
    query: Mapping[str, str],
    *,
    absent: str = "",
    body: bytes = b"",
) -> Answer | None:
    """Do `method` on `container` ('' for the account); StoreError when it is refused.

    None when the service answers with the error code `absent`.
    """
    key = key_of(connection)
    url = f"{connection.endpoint.rstrip('/')}/{container}"
    headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": VERSION}
    request = (method, urlsplit(url).path, len(body))
    text = string_to_sign(connection.account, request, query, headers)
    headers["Authorization"] = f"SharedKey {connection.account}:{signature(key, text)}"
    try:
        answer = _POOLS.request(
            method, f"{url}?{urlencode(query)}", headers=headers, body=body or None, redirect=False
        )
    except exceptions.HTTPError as error:
        here = f"account {connection.account} at {connection.endpoint}"
        host = f"{ACCOUNT_FIELD} or {ENDPOINT_FIELD}"
        raise no_answer(here, ENDPOINT_FIELD, host, error) from None
    if answer.status < 300:
        return Answer(answer.headers, answer.data)
    refusal = _refusal(connection, method, container, answer)
    if absent and refusal.code == absent:
        return None
    raise refusal


def string_to_sign(
    account: str,
    request: tuple[str, str, int],
    query: Mapping[str, str],
    headers: Mapping[str, str],
) -> str:
    """What a request (method, path, length of its body) is signed over.

    Azure, "Authorize with Shared Key", version 2015-02-21 and later; no standard header but the
    length is sent.
    """
    method, path, length = request
    standard = ["", "", str(length) if length else "", *("",) * 8]
    extra = [f"{name}:{headers[name]}" for name in sorted(headers)]
    resource = [f"/{account}{path}", *(f"{name}:{query[name]}" for name in sorted(query))]
    return "\n".join([method, *standard, *extra, *resource])


def not_the_api(connection: AzureConnection) -> StoreError:
    """What stands at the endpoint does not answer as the Blob service does."""
    return StoreError(
        Reason.UNEXPECTED_ANSWER,
        f"account {connection.account} at {connection.endpoint}: the answer is not one of the Blob "
        f"service: check {ENDPOINT_FIELD}, and what stands between it and the operator.",
        transient=False,
    )


def _refusal(
    connection: AzureConnection, method: str, container: str, answer: urllib3.BaseHTTPResponse
) -> AzureError:
    code, said = _error_of(answer)
    here = f"account {connection.account} at {connection.endpoint}"
    what = f"{method} {container or 'the list of containers'}"
    reason = _reason(code, said, answer.status)
    text = {
        Reason.WRONG_CREDENTIALS: f"{here} does not accept the key ({code}): {_ADMIN}; the clocks "
        "of both sides must agree too.",
        Reason.ACCESS_DENIED: f"{here} does not allow {what} ({code}): {said} Allow access with "
        "the account's key, and from the cluster's network, in the settings of the account.",
        Reason.BUSY: f"{here} could not do {what} now ({code}, HTTP {answer.status}): {said} It is "
        "tried again.",
        Reason.UNEXPECTED_ANSWER: f"{here} answered {what} with HTTP {answer.status} {code}: "
        f"{said} Check that {ENDPOINT_FIELD} is the Blob service of {ACCOUNT_FIELD}.",
    }[reason]
    return AzureError(reason, text, code=code)


def _reason(code: str, said: str, status: int) -> Reason:
    if code in _BUSY or status >= 500 or status == 429:
        return Reason.BUSY
    # Azurite says AuthorizationFailure for a bad signature, Azure for a closed firewall
    unauthenticated = "failed to authenticate" in said
    if code in {"AuthenticationFailed", "InvalidAuthenticationInfo"} or unauthenticated:
        return Reason.WRONG_CREDENTIALS
    return Reason.ACCESS_DENIED if status in {401, 403} else Reason.UNEXPECTED_ANSWER


def _error_of(answer: urllib3.BaseHTTPResponse) -> tuple[str, str]:
    """Code and first line of the message; the request's id and time in it differ each time."""
    try:
        root = ET.fromstring(answer.data)  # noqa: S314 (from the configured store; expat bounds entities)
    except ET.ParseError:
        return answer.headers.get("x-ms-error-code", ""), ""
    code = root.findtext("Code") or answer.headers.get("x-ms-error-code", "")
    return code, (root.findtext("Message") or "").partition("\n")[0].strip()

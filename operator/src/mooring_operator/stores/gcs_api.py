"""Calls to Google Cloud Storage with a service account's key, and every refusal told in words.

Google's libraries are imported by the first call, not by this module: an operator whose classes
have no such store does not pay the 10 MB that they take.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, urlencode

import urllib3
from urllib3 import exceptions

from mooring.contract import GOOGLE_KEY_FILE
from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.http_errors import no_answer
from mooring_operator.stores.protocol import GcsConnection

KEY_FIELD: Final = "artifactStore.gcs.keySecret"
BUCKET_FIELD: Final = "artifactStore.gcs.bucket"
ENDPOINT_FIELD: Final = "artifactStore.gcs.endpoint"

PUBLIC_ENDPOINT: Final = "https://storage.googleapis.com"
SCOPE: Final = "https://www.googleapis.com/auth/devstorage.read_write"

_NEEDED: Final = ("client_email", "private_key", "token_uri")
_TIMEOUT: Final = urllib3.Timeout(connect=5, read=20)
_RETRIES: Final = urllib3.Retry(total=1, redirect=False, status=False)
"""One retry, for a kept connection that the other end has closed; the queue waits and tries on."""

_POOLS: Final = urllib3.PoolManager(timeout=_TIMEOUT, retries=_RETRIES, maxsize=8)


@dataclass(frozen=True, slots=True)
class Account:
    """The service account of a key that could be read."""

    email: str
    _credentials: Any = field(repr=False)

    def token(self) -> str:
        """A token that is good for some minutes at least; StoreError when there is none."""
        from google.auth.exceptions import RefreshError, TransportError  # noqa: PLC0415
        from google.auth.transport.urllib3 import Request  # noqa: PLC0415

        if not self._credentials.valid:
            where = f"the token service {self._credentials._token_uri}"
            try:
                self._credentials.refresh(Request(_POOLS))
            except RefreshError as error:
                if getattr(error, "retryable", False):
                    text = f"{where} gives no token now ({_said(error)}). It is tried again."
                    raise StoreError(Reason.BUSY, text, transient=True) from None
                raise StoreError(
                    Reason.WRONG_CREDENTIALS,
                    f"{where} does not accept the key of {self.email} ({_said(error)}): put a live "
                    f"one into the Secret that {KEY_FIELD} names.",
                    transient=False,
                ) from None
            except TypeError:  # an answer that is a page for people
                text = (
                    f"{where} does not answer as one does: correct token_uri in {GOOGLE_KEY_FILE}."
                )
                raise StoreError(Reason.UNEXPECTED_ANSWER, text, transient=False) from None
            except TransportError as error:
                cause = error.args[0] if error.args else error
                field = f"token_uri in {GOOGLE_KEY_FILE}"
                raise no_answer(where, field, f"{field}, or the DNS entry", cause) from None
        return str(self._credentials.token)


@lru_cache(maxsize=32)
def account(key_file: str) -> Account:
    """Read the text of a service account's key file; StoreError for what MLflow cannot use.

    MLflow does not say so: it goes on without any credential (object-stores.md 2).
    """
    from google.oauth2.service_account import Credentials  # noqa: PLC0415

    try:
        key = json.loads(key_file)
    except ValueError:
        raise _unusable("is not JSON") from None
    if not isinstance(key, dict) or key.get("type") != "service_account":
        found = key.get("type") if isinstance(key, dict) else None
        raise _unusable(f"has type {found!r} instead of 'service_account'")
    missing = [name for name in _NEEDED if not isinstance(key.get(name), str) or not key[name]]
    if missing:
        raise _unusable(f"lacks {', '.join(missing)}")
    try:
        made = Credentials.from_service_account_info(key, scopes=[SCOPE])
    except ValueError:
        raise _unusable("has a private_key that is no PEM key") from None
    return Account(key["client_email"], made)


def first_objects(connection: GcsConnection, prefix: str) -> None:
    """List one object below `prefix`; StoreError when that is refused."""
    list_objects(connection, {"prefix": f"{prefix}/", "maxResults": "1"})


def list_objects(connection: GcsConnection, query: Mapping[str, str]) -> dict[str, Any]:
    """A page of the bucket's listing; StoreError when it is refused."""
    status, found = _call(connection, "GET", f"?{urlencode(query)}")
    if status != 200 or found.get("kind") != "storage#objects":
        raise _refusal(connection, "list", status, found)
    return found


def delete_object(connection: GcsConnection, name: str, generation: str) -> None:
    """Delete a version of an object; one that is not there is fine. StoreError when refused."""
    path = f"/{quote(name, safe='')}?{urlencode({'generation': generation})}"
    status, found = _call(connection, "DELETE", path)
    if status not in {200, 204, 404}:
        raise _refusal(connection, "delete an object of", status, found)


def _call(connection: GcsConnection, method: str, path: str) -> tuple[int, dict[str, Any]]:
    """Status and JSON of the answer to a request about the bucket's objects."""
    caller = account(connection.key_file)
    bucket = quote(connection.bucket, safe="")
    url = f"{_endpoint(connection)}/storage/v1/b/{bucket}/o{path}"
    headers = {"Authorization": f"Bearer {caller.token()}"}
    try:
        answer = _POOLS.request(method, url, headers=headers, redirect=False)
    except exceptions.HTTPError as error:
        host = f"{ENDPOINT_FIELD}, or the DNS entry"
        raise no_answer(_where(connection), ENDPOINT_FIELD, host, error) from None
    return answer.status, _json(answer.data)


def _endpoint(connection: GcsConnection) -> str:
    return (connection.endpoint or PUBLIC_ENDPOINT).rstrip("/")


def _where(connection: GcsConnection) -> str:
    return f"Google Cloud Storage at {_endpoint(connection)}"


def _refusal(
    connection: GcsConnection, what: str, status: int, found: dict[str, Any]
) -> StoreError:
    """Why `what` could not be done with the bucket."""
    where, email = _where(connection), account(connection.key_file).email
    error = found.get("error")
    said = str(error.get("message", "")) if isinstance(error, dict) else ""
    reason = {401: Reason.WRONG_CREDENTIALS, 403: Reason.ACCESS_DENIED, 429: Reason.BUSY}.get(
        status, Reason.BUSY if status >= 500 else Reason.UNEXPECTED_ANSWER
    )
    if status == 404 and error:
        reason = Reason.MISSING_BUCKET
    text = {
        Reason.MISSING_BUCKET: f"{where} has no bucket {connection.bucket}: make it, or correct "
        f"{BUCKET_FIELD}.",
        Reason.WRONG_CREDENTIALS: f"{where} does not accept {email} (HTTP 401): {said} Put "
        f"a live key into the Secret that {KEY_FIELD} names.",
        Reason.ACCESS_DENIED: f"{where} does not let {email} {what} bucket "
        f"{connection.bucket}: {said} Give it roles/storage.objectUser on the bucket.",
        Reason.BUSY: f"{where} could not {what} bucket {connection.bucket} now (HTTP {status}): "
        f"{said} It is tried again.",
        Reason.UNEXPECTED_ANSWER: f"{where} answered the request to {what} bucket "
        f"{connection.bucket} with HTTP {status}, not as Cloud Storage does: {said} Check "
        f"{ENDPOINT_FIELD}.",
    }[reason]
    return StoreError(reason, text, transient=reason is Reason.BUSY)


def _unusable(what: str) -> StoreError:
    return StoreError(
        Reason.WRONG_CREDENTIALS,
        f"the key {GOOGLE_KEY_FILE} of the Secret that {KEY_FIELD} names {what}: it must be the "
        "key file of a service account, as `gcloud iam service-accounts keys create` writes it.",
        transient=False,
    )


def _said(error: Exception) -> str:
    return str(error.args[0]) if error.args else type(error).__name__


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

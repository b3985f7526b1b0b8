"""Google Cloud Storage, with the key file that the pod was given.

MLflow goes on without a credential when it cannot read the file; then only a bucket that is open
to everybody would take an artifact. So the file is read here first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from urllib.parse import SplitResult, quote

from google.auth import exceptions, transport
from google.oauth2.service_account import Credentials

from mooring import contract
from mooring.finding import Finding
from mooring.guard.bucket import Call
from mooring.guard.explain import (
    FRESH_PATIENCE_S,
    UNAVAILABLE_PATIENCE_S,
    Refusal,
    body_of,
    no_answer,
)
from mooring.guard.http import Answer, Failure, Http
from mooring.guard.reasons import Reason

PUBLIC_ENDPOINT: Final = "https://storage.googleapis.com"
SCOPE: Final = "https://www.googleapis.com/auth/devstorage.read_write"

_PERMISSIONS: Final = {"PUT": "create", "GET": "get", "LIST": "list", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, whom requests come from, and the token that shows it."""

    endpoint: str
    name: str
    email: str
    token: str = field(repr=False)

    def request(self, method: str, key: str) -> tuple[str, str]:
        """Method and URL of the JSON API for a PUT, GET, LIST or DELETE of `key`."""
        objects, name = f"/storage/v1/b/{quote(self.name)}/o", quote(key, safe="")
        match method:
            case "PUT":
                url = f"{self.endpoint}/upload{objects}?uploadType=media&name={name}"
                return "POST", url
            case "GET":
                return "GET", f"{self.endpoint}{objects}/{name}?alt=media"
            case "LIST":
                return "GET", f"{self.endpoint}{objects}?prefix={name}"
        return method, f"{self.endpoint}{objects}/{name}"


def opened(environ: Mapping[str, str], http: Http, root: SplitResult) -> Call:
    """How to call the bucket that `root` names; Refusal without a token."""
    endpoint = (environ.get(contract.GOOGLE_ENDPOINT) or PUBLIC_ENDPOINT).rstrip("/")
    credentials = _credentials(environ.get(contract.GOOGLE_CREDENTIALS, ""))
    email = str(credentials.service_account_email)
    bucket = Bucket(endpoint, root.netloc, email, _token(http, credentials, email))
    return partial(_call, http, bucket)


def _credentials(file: str) -> Any:
    name = contract.GOOGLE_CREDENTIALS
    way_out = "Remove what sets it, and mount the binding's volume; the binding provides both."
    if not file:
        raise Refusal(
            Finding(
                Reason.NO_CREDENTIALS,
                f"this pod has no credentials for the store: {name} is not set.",
                way_out,
            )
        )
    try:
        return Credentials.from_service_account_file(file, scopes=[SCOPE])
    except OSError as error:
        found = f"which cannot be read ({error.strerror})"
    except (ValueError, exceptions.MalformedError):
        found = "which is no key file of a service account"
    raise Refusal(Finding(Reason.CREDENTIALS_INVALID, f"{name} names {file}, {found}.", way_out))


class _NoAnswer(exceptions.TransportError):
    """Carries the failure of a request through google-auth."""

    def __init__(self, where: str, failure: Failure) -> None:
        super().__init__(where)
        self.where = where
        self.failure = failure


class _Response(transport.Response):
    """An answer in the form that google-auth reads."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    @property
    def status(self) -> int:
        return self._answer.status

    @property
    def headers(self) -> Mapping[str, str]:
        return {}

    @property
    def data(self) -> bytes:
        return self._answer.body


def _token(http: Http, credentials: Any, email: str) -> str:
    def request(url: str, method: str, body: bytes, headers: Mapping[str, str], **_: Any) -> Any:
        answer = http.request(method, url, headers=headers, body=body)
        if isinstance(answer, Failure):
            raise _NoAnswer(f"the token service {url}", answer)
        return _Response(answer)

    try:
        credentials.refresh(request)
    except _NoAnswer as error:
        where = contract.GOOGLE_CREDENTIALS
        raise Refusal(no_answer(error.where, error.failure, where, where)) from None
    except exceptions.RefreshError as error:
        patience = UNAVAILABLE_PATIENCE_S if error.retryable else FRESH_PATIENCE_S
        raise Refusal(
            Finding(
                Reason.CREDENTIALS_UNKNOWN,
                f"Google's token service does not accept this pod's key of {email} "
                f"({error.args[0]}): it was deleted, or the node's clock is wrong.",
                "See: kubectl describe mlflowworkspace",
                patience,
            )
        ) from None
    return str(credentials.token)


def _call(http: Http, bucket: Bucket, method: str, key: str, content: bytes = b"") -> bytes:
    verb, url = bucket.request(method, key)
    headers = {"Authorization": f"Bearer {bucket.token}"}
    answer = http.request(verb, url, headers=headers, body=content)
    variables = (contract.GOOGLE_ENDPOINT, contract.GOOGLE_ENDPOINT)
    where = f"the store {bucket.endpoint}"
    return body_of(answer, lambda found: refusal(found, bucket, method, key), where, *variables)


def refusal(answer: Answer, bucket: Bucket, method: str, key: str) -> Finding:
    """Why the store refused `method` on the object `key`."""
    here = f"the store {bucket.endpoint}"
    match answer.status:
        case 404:
            return Finding(
                Reason.BUCKET_MISSING,
                f"the bucket {bucket.name} does not exist at {here}: no artifact can be kept.",
                "Restore it, or correct spec.artifactStore.gcs.bucket of the MlflowWorkspaceClass.",
            )
        case 403:
            return Finding(
                Reason.STORE_DENIED,
                f"{here} denies storage.objects.{_PERMISSIONS[method]} on {key} in bucket "
                f"{bucket.name} to {bucket.email}.",
                "Give it roles/storage.objectUser on the bucket.",
                FRESH_PATIENCE_S,
            )
        case 401:
            return Finding(
                Reason.CREDENTIALS_UNKNOWN,
                f"{here} does not accept the token of {bucket.email}.",
                "See: kubectl describe mlflowworkspace",
                FRESH_PATIENCE_S,
            )
    waits = answer.status >= 500 or answer.status == 429
    return Finding(
        Reason.STORE_REFUSED,
        f"{here} answers {method} of {key} in bucket {bucket.name} with HTTP {answer.status}: "
        f"{answer.text}",
        patience=UNAVAILABLE_PATIENCE_S if waits else 0.0,
    )

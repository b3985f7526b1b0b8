"""Calls to the S3, IAM and STS APIs, with every refusal told in words."""

import dataclasses
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from botocore import exceptions
from botocore.config import Config
from botocore.parsers import ResponseParserError
from urllib3.exceptions import NameResolutionError

from mooring.contract import AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
from mooring_operator.plan.encoding import encoded_twice
from mooring_operator.stores.authorities import authorities_file
from mooring_operator.stores.aws_models import lean_session
from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.protocol import S3Connection

ADMIN_FIELD: Final = "artifactStore.s3.adminSecret"
CA_FIELD: Final = "artifactStore.s3.caBundle"

_CONFIG: Final = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 2},
    user_agent="mooring-operator",
)
"""One retry, for a kept connection that the other end has closed; the queue waits and tries on.

The user agent that botocore puts together anew for each call takes 14 % of the call.
"""

_WRONG_CREDENTIALS: Final = frozenset(
    {"SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidClientTokenId"}
)
_BUSY: Final = frozenset({"SlowDown", "Throttling", "ThrottlingException", "RequestTimeout"})
_SESSION: Final = lean_session()
"""What botocore knows of the services, once: a session for each class would keep that for each."""
_LOCK: Final = threading.Lock()
"""A session makes one client after the other; the clients themselves may be shared."""


@dataclass(frozen=True, slots=True)
class Api:
    """One of the APIs: `field` of the workspace class says that it is at `where`."""

    name: str
    where: str
    field: str
    _client: Any = dataclasses.field(repr=False)
    _key_id: str
    _secret: str = dataclasses.field(repr=False)

    def call(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """Call `operation` (snake_case) and return the answer; StoreError when it is refused."""
        try:
            answer: Mapping[str, Any] = getattr(self._client, operation)(**parameters)
        except exceptions.ClientError as error:
            raise self._refusal(operation, error) from None
        except (ResponseParserError, KeyError):
            # botocore looks up the answer's elements unchecked: a web page gives a KeyError.
            raise self._not_the_api() from None
        except exceptions.BotoCoreError as error:
            raise self._failure(error) from None
        return answer

    def find(self, operation: str, *absent: str, **parameters: Any) -> Mapping[str, Any] | None:
        """As `call`, but None when the API answers with one of the error codes in `absent`."""
        try:
            return self.call(operation, **parameters)
        except ApiError as error:
            if error.code in absent:
                return None
            raise

    def _not_the_api(self) -> StoreError:
        return StoreError(
            Reason.UNEXPECTED_ANSWER,
            f"{self.name} at {self.where}: the answer is not one of an {self.name} API: check "
            f"{self.field}, and what stands between it and the operator.",
            transient=False,
        )

    def _refusal(self, operation: str, error: exceptions.ClientError) -> "ApiError":
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        found = error.response.get("Error", {})
        code = str(found.get("Code", ""))
        said = found.get("Message", "").replace(self._secret, "***")
        reason = _reason(code, status)
        here = f"{self.name} at {self.where}"
        text = {
            Reason.WRONG_CREDENTIALS: f"{here} does not accept the access key ({code}): correct "
            f"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the Secret that {ADMIN_FIELD} names "
            f"(its data is base64-encoded once). {self._twice()}".rstrip(),
            Reason.BUSY: f"{here} could not do {operation} now ({code}, HTTP {status}): {said} "
            "It is tried again; if it lasts, look at the log of that server.",
            Reason.ACCESS_DENIED: f"{here} does not let the user of {ADMIN_FIELD} do {operation} "
            f"({code}): {said} Give that user the permission.",
            Reason.QUOTA_EXCEEDED: f"{here} refused {operation} ({code}): {said} Delete what is "
            "not needed, or have the limit raised.",
            Reason.UNEXPECTED_ANSWER: f"{here} answered {operation} with HTTP {status} {code}: "
            f"{said} Check that {self.field} names an {self.name} API.",
        }[reason]
        return ApiError(reason, text, code=code, transient=reason is Reason.BUSY)

    def _twice(self) -> str:
        values = {AWS_ACCESS_KEY_ID: self._key_id, AWS_SECRET_ACCESS_KEY: self._secret}
        return encoded_twice(**values)

    def _failure(self, error: Exception) -> StoreError:
        cause = getattr(error, "kwargs", {}).get("error", error)
        here = f"{self.name} at {self.where}"
        if isinstance(cause, NameResolutionError):
            text = f"{here}: no such host: correct {self.field}, or the DNS entry."
            return StoreError(Reason.UNKNOWN_HOST, text, transient=False)
        if isinstance(error, exceptions.SSLError):
            text = (
                f"{here}: TLS failed ({cause}): {self.field} must name the right port and a host "
                f"whose certificate comes from a public authority or from one of {CA_FIELD}."
            )
            return StoreError(Reason.TLS_REFUSED, text, transient=False)
        text = (
            f"{here} does not answer ({type(error).__name__}): check that it runs, and that "
            f"{self.field} has the right scheme, host and port."
        )
        return StoreError(Reason.UNREACHABLE, text, transient=True)


def _reason(code: str, status: int) -> Reason:
    if code in _WRONG_CREDENTIALS:
        return Reason.WRONG_CREDENTIALS
    if code in _BUSY or status >= 500:
        return Reason.BUSY
    if code == "LimitExceeded":
        return Reason.QUOTA_EXCEEDED
    return Reason.ACCESS_DENIED if status == 403 else Reason.UNEXPECTED_ANSWER


class ApiError(StoreError):
    """The API answered, with an error `code`."""

    def __init__(self, reason: Reason, message: str, *, code: str, transient: bool = False) -> None:
        super().__init__(reason, message, transient=transient)
        self.code = code


@dataclass(frozen=True, slots=True)
class Apis:
    """The three APIs of one connection."""

    s3: Api
    iam: Api
    sts: Api


def apis(connection: S3Connection) -> Apis:
    """Return the clients of `connection`, made once; they are safe to share between threads."""
    with _LOCK:
        return _open(_of_any_bucket(connection))


@lru_cache(maxsize=32)
def _open(connection: S3Connection) -> Apis:
    trusted = authorities_file(connection.ca) if connection.ca else None

    def api(service: str, field: str, endpoint: str | None) -> Api:
        client = _SESSION.create_client(
            service,
            region_name=connection.region,
            endpoint_url=endpoint,
            aws_access_key_id=connection.access_key_id,
            aws_secret_access_key=connection.secret_access_key,
            config=_CONFIG,
            verify=trusted,
        )
        where = endpoint or str(client.meta.endpoint_url)
        key = connection.access_key_id, connection.secret_access_key
        return Api(service.upper(), where, field, client, *key)

    return Apis(
        s3=api("s3", "artifactStore.s3.endpoint", connection.endpoint),
        iam=api("iam", "artifactStore.s3.iam.endpoint", connection.iam_endpoint),
        sts=api("sts", "artifactStore.s3.sts.endpoint", connection.sts_endpoint),
    )


def account(connection: S3Connection) -> str:
    """Account of the administrator's key (STS GetCallerIdentity), asked once per connection."""
    return _account(_of_any_bucket(connection))


@lru_cache(maxsize=32)
def _account(connection: S3Connection) -> str:
    return str(apis(connection).sts.call("get_caller_identity")["Account"])


def _of_any_bucket(connection: S3Connection) -> S3Connection:
    """What is kept for all buckets: a client takes 40 ms and megabytes to make."""
    return dataclasses.replace(connection, bucket="", owner=None)

"""One HTTP request, with every way it can fail told apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import urllib3
from urllib3 import exceptions

from mooring.guard import clock

CONNECT_TIMEOUT_S: Final = 3.0
READ_TIMEOUT_S: Final = 20.0

Stage = Literal["name", "connection", "trust"]
"""How far a request came: the name was not found, no connection or answer, TLS failed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said; `ahead_s` is by how much its clock is ahead, where it tells the time."""

    status: int
    body: bytes
    ahead_s: float | None = field(default=None, compare=False)

    @property
    def text(self) -> str:
        """The start of the body in one line, for a message."""
        return " ".join(self.body[:300].decode(errors="replace").split())


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there was no answer, as the end of a sentence; `lasting` when waiting will not help."""

    what: str
    stage: Stage = "connection"
    lasting: bool = False


class Http:
    """Sends requests and keeps connections; follows no redirect.

    Retries nothing but a request on a connection that broke, once and on a new one: a server may
    end one that was kept just as it is used again, and every request here may be made twice.
    """

    def __init__(self) -> None:
        self._pools: dict[str | None, urllib3.PoolManager] = {}

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        ca_file: str = "",
    ) -> Answer | Failure:
        """Send one request; `ca_file` holds the authorities to trust and is alone in that."""
        pool = self._pool(ca_file)

        def send() -> Answer:
            answer = pool.request(
                method, url, headers=dict(headers or {}), body=body, retries=False, redirect=False
            )
            return Answer(answer.status, answer.data, clock.ahead_s(answer.headers.get("date")))

        try:
            try:
                return send()
            except exceptions.ProtocolError:
                pool.clear()
                return send()
        except (exceptions.HTTPError, OSError) as error:
            return failure(error, url)

    def _pool(self, ca_file: str) -> urllib3.PoolManager:
        trusted = ca_file or public_authorities()
        if trusted not in self._pools:
            timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S)
            self._pools[trusted] = urllib3.PoolManager(ca_certs=trusted, timeout=timeout)
        return self._pools[trusted]


@cache
def public_authorities() -> str | None:
    """The file of authorities that boto3 trusts by default, or requests; None: the system's.

    Looked up without importing either package, which would take longer than the request.
    """
    for package in ("botocore", "certifi"):
        spec = find_spec(package)
        if spec is not None and spec.origin:
            return str(Path(spec.origin).with_name("cacert.pem"))
    return None


def failure(error: Exception, url: str) -> Failure:
    """Tell in words why `url` gave no answer."""
    if isinstance(error, exceptions.LocationValueError):
        return Failure("this is no URL", lasting=True)
    parts = urlsplit(url)
    where = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    match error:
        case exceptions.NameResolutionError():
            return Failure(f"the name {parts.hostname} does not resolve", "name")
        case exceptions.NewConnectionError():
            what = f"{where} refuses connections"
        case exceptions.ConnectTimeoutError():
            what = f"{where} took no connection within {CONNECT_TIMEOUT_S:.0f} s"
        case exceptions.ReadTimeoutError():
            what = f"{where} gave no answer within {READ_TIMEOUT_S:.0f} s"
        case exceptions.SSLError():
            return Failure(f"the TLS connection to {where} failed ({error})", "trust", lasting=True)
        case _:
            what = f"the connection to {where} broke ({type(error).__name__})"
    return Failure(what)

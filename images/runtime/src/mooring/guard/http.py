"""One HTTP request, with every way it can fail told apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import urllib3
from urllib3 import exceptions

from mooring.guard import clock
from mooring.guard.proxies import Client, Proxy, manager, proxy_for

CONNECT_TIMEOUT_S: Final = 3.0
READ_TIMEOUT_S: Final = 20.0

Stage = Literal["name", "connection", "trust", "proxy"]
"""What failed: the name was not found, no connection or answer, TLS, or the proxy between."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said; `ahead_s` is by how much its clock is ahead, where it tells the time.

    `region` is where a bucket of Amazon S3 lies, where a header says it.
    """

    status: int
    body: bytes
    ahead_s: float | None = field(default=None, compare=False)
    region: str = field(default="", compare=False)

    @property
    def text(self) -> str:
        """The start of the body in one line, for a message."""
        return " ".join(self.body[:300].decode(errors="replace").split())


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there was no answer, as the end of a sentence; `lasting` when waiting will not help.

    `remedy` says what to do about a proxy.
    """

    what: str
    stage: Stage = "connection"
    lasting: bool = False
    remedy: str = ""


class Http:
    """Sends requests and keeps connections; follows no redirect.

    They go by the proxy that `environ` names, as those of the training's clients do. Retries
    nothing but a request on a connection that broke, once and on a new one: a server may end one
    that was kept just as it is used again, and every request here may be made twice.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = environ or {}
        self._pools: dict[tuple[str | None, Proxy | None], urllib3.PoolManager | None] = {}

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        ca_file: str = "",
        client: Client = "requests",
    ) -> Answer | Failure:
        """Send one request; `ca_file` holds the authorities to trust and is alone in that.

        `client` is who would send it in a training, by whose rules it goes by a proxy.
        """
        proxy = proxy_for(url, self._environ, client)

        def sent(way: Proxy | None) -> Answer | Failure:
            pool = self._pool(ca_file or public_authorities(), way)
            return _sent(pool, method, url, headers or {}, body) if pool else _no_proxy()

        found = sent(proxy)
        if proxy is None or (isinstance(found, Answer) and found.status < 400):
            return found
        if isinstance(found, Failure) and found.stage == "proxy":
            return _blamed(proxy, url, found.what, lasting=found.lasting)
        without = sent(None)
        if isinstance(without, Answer) and without.status < 400:
            said = f"HTTP {found.status}" if isinstance(found, Answer) else found.what
            return _blamed(proxy, url, f"and not answered ({said}) as without it", lasting=True)
        if isinstance(found, Failure):
            return replace(found, what=f"{found.what}, asked by {proxy}")
        return found

    def _pool(self, trusted: str | None, proxy: Proxy | None) -> urllib3.PoolManager | None:
        if (trusted, proxy) not in self._pools:
            timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S)
            self._pools[trusted, proxy] = (
                manager(proxy, ca_certs=trusted, timeout=timeout)
                if proxy
                else urllib3.PoolManager(ca_certs=trusted, timeout=timeout)
            )
        return self._pools[trusted, proxy]


def _sent(
    pool: urllib3.PoolManager, method: str, url: str, headers: Mapping[str, str], body: bytes | None
) -> Answer | Failure:
    def send() -> Answer:
        answer = pool.request(
            method, url, headers=dict(headers), body=body, retries=False, redirect=False
        )
        told = answer.headers
        region = told.get("x-amz-bucket-region", "")
        return Answer(answer.status, answer.data, clock.ahead_s(told.get("date")), region)

    try:
        try:
            return send()
        except exceptions.ProtocolError:
            pool.clear()
            return send()
    except (exceptions.HTTPError, OSError) as error:
        return failure(error, url)


def _no_proxy() -> Failure:
    return Failure("which is no URL", "proxy", lasting=True)


def _blamed(proxy: Proxy, url: str, what: str, *, lasting: bool) -> Failure:
    host = urlsplit(url).hostname
    return Failure(
        f"it is asked by {proxy}, {what}",
        "proxy",
        lasting,
        f"Where that needs no proxy, add {host} to NO_PROXY (and no_proxy) in the container's env; "
        f"else correct {proxy.variable} there.",
    )


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
        case exceptions.ProxyError():
            return Failure(_of_the_proxy(error.original_error), "proxy")
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


def _of_the_proxy(error: Exception) -> str:
    """Why a proxy is of no use, as the end of a sentence about it."""
    match error:
        case exceptions.NameResolutionError():
            return "whose name does not resolve"
        case exceptions.NewConnectionError():
            return "which refuses connections"
        case exceptions.ConnectTimeoutError():
            return f"which took no connection within {CONNECT_TIMEOUT_S:.0f} s"
        case OSError():
            return f"which gives no way there ({error})"
    return f"to which the connection broke ({type(error).__name__})"

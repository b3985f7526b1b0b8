"""By which proxy a training's clients ask a server or a store, as the pod's environment says.

MLflow, Azure's and Google's clients ask by requests, boto3 by botocore. Both read the variables as
urllib does; requests alone knows ALL_PROXY, and networks such as 10.0.0.0/8 in NO_PROXY.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from urllib3 import ProxyManager
from urllib3.exceptions import HTTPError
from urllib3.util import make_headers

from mooring.location import shown

Client = Literal["requests", "botocore"]

_CAN_BE_ASKED: Final = ("http", "https")
_CGI: Final = "REQUEST_METHOD"
"""In a CGI script HTTP_PROXY is a client's header: https://httpoxy.org."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy and the variable that names it; `url` may hold a login, `str()` of it does not."""

    url: str
    variable: str

    def __str__(self) -> str:
        return f"the proxy {shown(self.url)} ({self.variable})"


def proxy_for(url: str, environ: Mapping[str, str], client: Client) -> Proxy | None:
    """The proxy by which `client` asks `url`; None where it asks by itself.

    Also for one of SOCKS, which a training may have the package for, and the guard has not.
    """
    scheme, host = urlsplit(url).scheme, urlsplit(url).hostname or ""
    all_too = ("all",) if client == "requests" else ()
    found = next(filter(None, (_variable(environ, each) for each in (scheme, *all_too))), None)
    if found is None or _bypassed(url, host, environ, client):
        return None
    value = environ[found]
    proxy = value if "://" in value else f"http://{value.removeprefix('//')}"
    return Proxy(proxy, found) if urlsplit(proxy).scheme in _CAN_BE_ASKED else None


def manager(proxy: Proxy, **settings: object) -> ProxyManager | None:
    """What asks by `proxy`, with the login that it names; None where it is no URL."""
    try:
        parts = urlsplit(proxy.url)
        if not parts.hostname:
            return None
        login = (
            f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
        )
        headers = make_headers(proxy_basic_auth=login) if login else None
        return ProxyManager(proxy.url, proxy_headers=headers, **settings)  # type: ignore[arg-type]
    except (HTTPError, ValueError):
        return None


def _variable(environ: Mapping[str, str], scheme: str) -> str | None:
    """The name of the variable that counts for `scheme`; None where there is none with a value.

    In lower case it comes first, also when it is empty (urllib.request.getproxies_environment).
    """
    lower, upper = f"{scheme}_proxy", f"{scheme}_proxy".upper()
    if lower in environ:
        return lower if environ[lower] else None
    cgi = scheme == "http" and _CGI in environ
    return upper if environ.get(upper) and not cgi else None


def _bypassed(url: str, host: str, environ: Mapping[str, str], client: Client) -> bool:
    """Whether NO_PROXY names the host of `url`, as urllib.request.proxy_bypass_environment says."""
    variable = _variable(environ, "no")
    if variable is None:
        return False
    entries = [entry.strip().lstrip(".").lower() for entry in environ[variable].split(",")]
    if entries == ["*"] or (client == "requests" and _lies_in(host, entries)):
        return True
    # of an IPv4 address, requests does not compare the port
    with_port = client == "botocore" or not _is_ipv4(host)
    places = {host, urlsplit(url).netloc.rpartition("@")[2].lower()} if with_port else {host}
    ends = tuple(f".{entry}" for entry in entries if entry)
    return bool(places & set(entries)) or any(place.endswith(ends) for place in places)


def _lies_in(host: str, entries: Iterable[str]) -> bool:
    """Whether one of the `entries` is a network that the host is in."""
    if not _is_ipv4(host):
        return False
    address = ipaddress.IPv4Address(host)
    for entry in entries:
        with suppress(ValueError):
            if "/" in entry and address in ipaddress.IPv4Network(entry, strict=False):
                return True
    return False


def _is_ipv4(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True

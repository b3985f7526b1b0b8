"""The guard asks by the proxy by which the clients of a training ask, and says when that fails."""

from collections.abc import Iterator

import botocore.httpsession
import botocore.utils
import pytest
import requests.utils

from mooring.guard.http import Failure, Http
from mooring.guard.proxies import proxy_for
from tests.services.between import Answer, Request, between
from tests.services.process import closed_port

PROXY = "http://proxy.example:3128"
IN_TOWN = "http://mlflow.team-a.svc:5000/api"
BY_ADDRESS = "http://10.1.2.3:7070/bucket"
TLS = "https://s3.example/bucket"
URLS = (IN_TOWN, BY_ADDRESS, TLS)

ENVIRONMENTS: list[dict[str, str]] = [
    {},
    {"HTTP_PROXY": PROXY},
    {"HTTPS_PROXY": PROXY},
    {"ALL_PROXY": PROXY},
    {"http_proxy": "proxy.example:3128"},
    {"HTTP_PROXY": "http://other:1", "http_proxy": PROXY},
    {"HTTP_PROXY": PROXY, "http_proxy": ""},
    {"HTTP_PROXY": PROXY, "http_proxy": "", "all_proxy": "http://all:1"},
    {"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"},
    {"HTTP_PROXY": PROXY, "NO_PROXY": "*"},
    {"HTTP_PROXY": PROXY, "NO_PROXY": ".svc, 10.0.0.0/8"},
    {"HTTP_PROXY": PROXY, "no_proxy": "svc,10.1.2.3"},
    {"HTTP_PROXY": PROXY, "NO_PROXY": "mlflow.team-a.svc:5000"},
    {"HTTP_PROXY": PROXY, "NO_PROXY": "mlflow.team-a.svc:80,10.1.2.3:7070"},
    {"HTTP_PROXY": PROXY, "NO_PROXY": "flow.team-a.svc,10.1.2.30/32,no/network"},
    {"HTTPS_PROXY": PROXY, "NO_PROXY": "S3.Example"},
    {"HTTPS_PROXY": PROXY, "NO_PROXY": "*, s3.other"},
]


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for scheme in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{scheme}_proxy", raising=False)
        monkeypatch.delenv(f"{scheme}_proxy".upper(), raising=False)
    return monkeypatch


@pytest.mark.parametrize("environ", ENVIRONMENTS, ids=str)
def test_it_is_the_proxy_that_the_clients_take(
    clean: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    for name, value in environ.items():
        clean.setenv(name, value)
    for url in URLS:
        ours = proxy_for(url, environ, "requests")
        theirs = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))
        wanted = theirs and requests.utils.prepend_scheme_if_needed(theirs, "http")
        assert (ours and ours.url) == wanted, url
        ours = proxy_for(url, environ, "botocore")
        known = botocore.httpsession.ProxyConfiguration(botocore.utils.get_environ_proxies(url))
        assert (ours and ours.url) == known.proxy_url_for(url), url


def test_what_the_guard_cannot_ask_by_it_leaves_out() -> None:
    assert proxy_for(TLS, {"HTTPS_PROXY": "socks5://proxy:1080"}, "requests") is None


@pytest.fixture
def service() -> Iterator[str]:
    with between("http://127.0.0.1:9", lambda *_: Answer(200, (), b"here")) as url:
        yield url


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (f"http://user:hunter22@127.0.0.1:{closed_port()}", "which refuses connections"),
        ("nosuch.invalid:3128", "whose name does not resolve"),
        ("http://", "which is no URL"),
    ],
)
def test_a_proxy_that_is_not_there_is_told(service: str, value: str, said: str) -> None:
    assert Http().request("GET", service) == Http({"NO_PROXY": "*"}).request("GET", service)
    failure = Http({"HTTP_PROXY": value}).request("GET", service)
    assert isinstance(failure, Failure)
    assert failure.stage == "proxy"
    assert said in failure.what
    assert "(HTTP_PROXY)" in failure.what
    assert "hunter22" not in failure.what
    assert "add 127.0.0.1 to NO_PROXY" in failure.remedy


def test_a_proxy_that_answers_in_the_place_of_the_service_is_told(service: str) -> None:
    asked: list[Request] = []

    def refuse(request: Request, _: object) -> Answer:
        asked.append(request)
        return Answer(503, (), b"no way")

    with between(service, refuse) as url:
        proxy = url.replace("http://", "http://user:hunter22@")
        failure = Http({"http_proxy": proxy}).request("GET", f"{service}/x")
        tunnel = Http({"https_proxy": proxy}).request("GET", "https://nosuch.invalid/")
        gone = f"http://127.0.0.1:{closed_port()}"
        nobody = Http({"http_proxy": proxy}).request("GET", gone)
    assert asked[0].path == f"{service}/x"
    assert asked[0].headers["proxy-authorization"].startswith("Basic ")
    assert isinstance(failure, Failure)
    assert failure.stage == "proxy"
    assert "not answered (HTTP 503) as without it" in failure.what
    assert isinstance(tunnel, Failure)
    assert tunnel.stage == "proxy"
    assert "gives no way there (Tunnel connection failed: 501" in tunnel.what
    assert "hunter22" not in f"{failure}{tunnel}"
    assert not isinstance(nobody, Failure), "nobody knows whose answer it is"

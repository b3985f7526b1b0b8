"""The guard's HTTP against a TLS server with an authority of its own."""

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import trustme

from mooring.guard.http import Answer, Failure, Http


class Hello(BaseHTTPRequestHandler):
    """Says hello, and nothing on standard error."""

    def do_GET(self) -> None:
        """Answer any path."""
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as in the base class)
        """Log nothing."""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def url(authority: trustme.CA) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Hello)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_trusts_the_authority_it_is_given(url: str, authority: trustme.CA, tmp_path: Path) -> None:
    path = tmp_path / "ca.crt"
    authority.cert_pem.write_to_path(path)
    assert Http().request("GET", url, ca_file=str(path)) == Answer(200, b"hello")


def test_an_unknown_authority_will_not_pass(url: str) -> None:
    answer = Http().request("GET", url)
    assert isinstance(answer, Failure)
    assert answer.lasting
    assert "CERTIFICATE_VERIFY_FAILED" in answer.what


def test_an_unreadable_authority_will_not_pass(url: str, tmp_path: Path) -> None:
    answer = Http().request("GET", url, ca_file=str(tmp_path / "nosuch.crt"))
    assert isinstance(answer, Failure)
    assert answer.lasting
    assert "No such file or directory" in answer.what

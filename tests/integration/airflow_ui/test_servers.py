"""Asking a tracking server that cannot be asked: a sentence, and soon."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from mooring_airflow.connection import Server
from mooring_airflow.ui.servers import ask_one

TAGS = {"airflow.dag_id": "d", "airflow.run_id": "r"}


@contextmanager
def answering(status: int, body: bytes, **headers: str) -> Iterator[str]:
    """A server that has one answer for everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            for name, value in {"content-length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *said: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_one_that_takes_a_request_and_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = Server(f"http://127.0.0.1:{silent.getsockname()[1]}", {})
        answer = ask_one("team-a", server, TAGS, 0.2)
    assert (answer.found, answer.trouble) == (
        (),
        "Its tracking server does not answer as MLflow does.",
    )


@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        (200, b"<html>a page to log in</html>", "does not answer as MLflow does."),
        (200, b"[1]", "does not answer as MLflow does."),
        (401, b"", "does not let Airflow in with the login of the connection."),
        (403, b"", "does not let Airflow in with the login of the connection."),
        (500, b"oops", "answered with an error (HTTP 500)."),
        (503, b"", "answered with an error (HTTP 503)."),
    ],
)
def test_one_that_answers_something_else(status: int, body: bytes, trouble: str) -> None:
    with answering(status, body) as url:
        answer = ask_one("team-a", Server(url, {}), TAGS, 30)
    assert answer.trouble == f"Its tracking server {trouble}"


def test_one_that_sends_elsewhere_is_not_followed() -> None:
    with (
        answering(200, b'{"experiments": []}') as inside,
        answering(307, b"", location=inside) as url,
    ):
        answer = ask_one("team-a", Server(url, {}), TAGS, 30)
    assert answer.trouble == "Its tracking server answered with an error (HTTP 307)."


def test_the_address_that_is_shown_has_no_login() -> None:
    with answering(500, b"") as url:
        server = Server(url.replace("//", "//reader:secret@") + "/path", {})
        answer = ask_one("team-a", server, TAGS, 30)
    assert answer.url == f"{url}/path"

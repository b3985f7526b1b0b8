"""A connection that was kept may be gone when it is used again; one that breaks anew is told."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from mooring.guard.http import Answer, Failure, Http

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def forgetful() -> Iterator[str]:
    """A server that ends each connection when it is used again, and at once for `/never`."""

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                if b"/never" not in connection.recv(4096):
                    connection.sendall(ANSWER)
                    connection.recv(4096)

    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def test_a_kept_connection_that_is_gone_is_replaced(forgetful: str) -> None:
    http = Http()
    assert [http.request("GET", forgetful) for _ in range(3)] == [Answer(200, b"ok")] * 3


def test_a_server_that_breaks_every_connection_is_told(forgetful: str) -> None:
    failure = Http().request("GET", f"{forgetful}/never")
    assert isinstance(failure, Failure)
    assert "broke (ProtocolError)" in failure.what

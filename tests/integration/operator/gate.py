"""A gate before an HTTP service: it holds back the answer to one request."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.cluster.process import PATIENCE_S


class Gate:
    """Passes every request on, but holds back the answer to one whose body has a marker."""

    def __init__(self, url: str) -> None:
        """Keep the address at which it answers."""
        self.url = url
        self.is_held = threading.Event()
        self.is_open = threading.Event()

    def wait_until_held(self) -> None:
        """Return once the service has done what was asked, and the answer waits here."""
        assert self.is_held.wait(PATIENCE_S), "the request never came"

    def open(self) -> None:
        """Hold nothing back from now on."""
        self.is_open.set()


@contextmanager
def gate(service: str, *, held: bytes) -> Iterator[Gate]:
    """Give a gate before `service`, a URL, that holds back the answer to a body with `held`."""
    target = urlsplit(service)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            connection = HTTPConnection(target.hostname or "", target.port, timeout=PATIENCE_S)
            # with the Host that the client signed
            connection.request("POST", self.path, body, dict(self.headers))
            answer = connection.getresponse()
            content = answer.read()
            if held in body and not way.is_open.is_set():
                way.is_held.set()
                way.is_open.wait(PATIENCE_S)
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"transfer-encoding", "content-length"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    way = Gate(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield way
    finally:
        way.open()
        server.shutdown()
        server.server_close()

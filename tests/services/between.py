"""Something between a client and an HTTP service."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.cluster.process import PATIENCE_S


@dataclass(frozen=True, slots=True)
class Request:
    """What the client asked for."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What it is told."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


Handle = Callable[[Request, Callable[[], Answer]], Answer]
"""What to tell the client; the second argument asks the service."""


@contextmanager
def between(service: str, handle: Handle) -> Iterator[str]:
    """Give a URL at which every request for `service`, a URL, goes through `handle`."""
    target = urlsplit(service)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            # with the Host that the client signed
            request = Request(self.command, self.path, dict(self.headers), body)
            answer = handle(request, lambda: _ask(target.hostname or "", target.port, request))
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_DELETE = do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815 (http.server calls them so)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _ask(host: str, port: int | None, request: Request) -> Answer:
    connection = HTTPConnection(host, port, timeout=PATIENCE_S)
    connection.request(request.method, request.path, request.body, dict(request.headers))
    found = connection.getresponse()
    body, length = found.read(), {"content-length"} if request.method != "HEAD" else set()
    dropped = {"transfer-encoding", *length}
    headers = tuple((k, v) for k, v in found.getheaders() if k.lower() not in dropped)
    connection.close()
    return Answer(found.status, headers, body)

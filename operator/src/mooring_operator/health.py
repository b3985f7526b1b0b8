"""Health and metrics over HTTP: /healthz, /readyz, /metrics."""

import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

DEPTH = Gauge("mooring_queue_depth", "Keys that wait for a worker.")


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Probes every few seconds would drown the log."""


def serve_health(
    port: int,
    healthy: Callable[[], bool],
    ready: Callable[[], bool],
    depth: Callable[[], int],
) -> WSGIServer:
    """Answer on `port` from a thread of its own, until `shutdown` is called on the result."""
    DEPTH.set_function(depth)

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            start_response("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
            return [generate_latest()]
        checks = {"/healthz": healthy, "/readyz": lambda: healthy() and ready()}
        if path not in checks:
            status = "404 Not Found"
        else:
            status = "200 OK" if checks[path]() else "503 Service Unavailable"
        start_response(status, [("Content-Type", "text/plain")])
        return [f"{status}\n".encode()]

    server = make_server("", port, app, server_class=_Server, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server

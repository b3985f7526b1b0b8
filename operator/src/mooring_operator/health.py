"""Health and metrics over HTTP: /healthz, /readyz, /metrics."""

import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from mooring_operator.metrics import REGISTRY

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Probes every few seconds would drown the log."""


def serve_health(port: int, trouble: Callable[[], str], unready: Callable[[], str]) -> WSGIServer:
    """Answer on `port` from a thread of its own, until `shutdown` is called on the result.

    `trouble` says what only a restart mends, `unready` what the process still waits for; both say
    nothing while all is well.
    """

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            start_response("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
            return [generate_latest(REGISTRY)]
        checks = {"/healthz": trouble, "/readyz": lambda: trouble() or unready()}
        if path not in checks:
            status, said = "404 Not Found", "there are /healthz, /readyz and /metrics"
        else:
            said = checks[path]()
            status = "503 Service Unavailable" if said else "200 OK"
        start_response(status, [("Content-Type", "text/plain")])
        return [f"{said or 'ok'}\n".encode()]

    server = make_server("", port, app, server_class=_Server, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server

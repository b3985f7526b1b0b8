"""fake-gcs-server as a process, behind a gate that asks for tokens as Google does.

The fake keeps objects and asks nobody who they are. The gate stands before it: it gives a token
for an assertion that a known service account signed, and lets nothing through without one. What
Google's IAM would allow a service account to do is not faked: one that is let in may do all.
"""

import http.server
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import urllib3
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

from tests.cluster.tools import tool
from tests.services.process import answers, folder, free_port, service

PROJECT = "mooring-tests"


@dataclass(frozen=True, slots=True)
class FakeGcs:
    """A running fake: `url` is behind the gate, `open_url` before it."""

    url: str
    open_url: str
    _known: dict[str, str] = field(repr=False)
    """Public key of each service account that is let in, by its e-mail address."""

    def make_bucket(self, name: str) -> None:
        """Make a bucket, as its owner would."""
        body = json.dumps({"name": name}).encode()
        made = urllib3.request("POST", f"{self.open_url}/storage/v1/b?project={PROJECT}", body=body)
        assert made.status == 200, made.data

    def upload(self, bucket: str, name: str, content: bytes) -> None:
        """Make an object, as its owner would."""
        query = urlencode({"uploadType": "media", "name": name})
        url = f"{self.open_url}/upload/storage/v1/b/{bucket}/o?{query}"
        made = urllib3.request("POST", url, body=content)
        assert made.status == 200, made.data

    def names(self, bucket: str) -> list[str]:
        """Names of the objects of a bucket, as its owner sees them."""
        listed = urllib3.request("GET", f"{self.open_url}/storage/v1/b/{bucket}/o").json()
        return sorted(each["name"] for each in listed.get("items", []))

    def make_key(self) -> dict[str, str]:
        """Make a service account and a key of it, as the file that Google hands out."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        email = f"mlflow-{uuid.uuid4().hex[:8]}@{PROJECT}.iam.gserviceaccount.com"
        self._known[email] = (
            key.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": uuid.uuid4().hex,
            "private_key": private.decode(),
            "client_email": email,
            "token_uri": f"{self.url}/token",
        }

    def delete_key(self, key: dict[str, str]) -> None:
        """Let the service account of `key` in no more; its tokens stay good, as at Google."""
        del self._known[key["client_email"]]


@contextmanager
def fakegcs() -> Iterator[FakeGcs]:
    """Run the fake, with no bucket, and the gate before it."""
    port, gate = free_port(), free_port()
    command: list[str | Path] = [
        tool("fake-gcs-server"), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port),
        "-backend", "memory", "-public-host", f"127.0.0.1:{gate}",
        "-external-url", f"http://127.0.0.1:{gate}",
    ]  # fmt: skip
    known: dict[str, str] = {}
    with (
        folder() as root,
        service(command, log=root / "log", ready=lambda: answers(port)),
        _gate(gate, f"http://127.0.0.1:{port}", known),
    ):
        yield FakeGcs(f"http://127.0.0.1:{gate}", f"http://127.0.0.1:{port}", known)


class _Gate(http.server.ThreadingHTTPServer):
    """The gate before the fake at `behind`; `known` has the keys of those that it lets in."""

    daemon_threads = True

    def __init__(self, port: int, behind: str, known: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.behind = behind
        self.known = known
        self.tokens: set[str] = set()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Gate

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.path == "/token":
            self._token(body)
        elif token in self.server.tokens:
            self._forward(body)
        else:
            message = "Anonymous caller does not have storage.objects access"
            self._answer(401, {"error": {"code": 401, "message": message}})

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 (http.server calls them so)

    def _token(self, body: bytes) -> None:
        """Give a token for an assertion that a known key has signed (RFC 7523)."""
        assertion = parse_qs(body.decode())["assertion"][0]
        issuer = jwt.decode(assertion, verify=False)["iss"]
        try:
            jwt.decode(assertion, certs=self.server.known[issuer])
        except (KeyError, ValueError):
            refusal = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
            self._answer(400, refusal)
            return
        token = f"token-{uuid.uuid4().hex}"
        self.server.tokens.add(token)
        self._answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600})

    def _forward(self, body: bytes) -> None:
        answer = urllib3.request(
            self.command, self.server.behind + self.path, headers=dict(self.headers), body=body,
            redirect=False, decode_content=False,
        )  # fmt: skip
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, value)
        self._end(answer.data)

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self._end(json.dumps(body).encode())

    def _end(self, body: bytes) -> None:
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def _gate(port: int, behind: str, known: dict[str, str]) -> Iterator[None]:
    with _Gate(port, behind, known) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()

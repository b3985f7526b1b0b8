"""Tokens of a service account that pods find where their own should be: a fresh one, an old one.

No API server gives an expired token, and none that lives for less than 10 minutes, so the old one
is a fresh one with earlier times, signed with the cluster's own key.
"""

import base64
import json
import time
from typing import Any, Final, cast

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from mooring import contract
from tests.demo.cluster import kubectl
from tests.faults import node
from tests.faults.fault import EXPIRED, FRESH

TOKENS: Final = "faults-tokens"
"""Name of the Secret."""
OVER_S: Final = 3600
"""For how long the old one is over: more than any service's leeway."""


def secret(namespace: str) -> dict[str, Any]:
    """The Secret of both tokens, of the namespace's default service account."""
    audience = f"--audience={contract.AWS_AUDIENCE}"
    fresh = kubectl("create", "token", "default", "-n", namespace, audience, "--duration=12h")
    metadata = {"name": TOKENS, "namespace": namespace}
    data = {FRESH: fresh, EXPIRED: _expired(fresh)}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


def _expired(token: str) -> str:
    """The same token, over for an hour."""
    header, payload, _ = token.split(".")
    over = int(time.time()) - OVER_S
    times = {"exp": over, "iat": over - OVER_S, "nbf": over - OVER_S}
    claims = {**json.loads(base64.urlsafe_b64decode(f"{payload}==")), **times}
    signed = f"{header}.{_encoded(json.dumps(claims).encode())}"
    key = cast("RSAPrivateKey", load_pem_private_key(node.service_account_key().encode(), None))
    return f"{signed}.{_encoded(key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")

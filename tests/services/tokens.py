"""Tokens as the kubelet projects them, but for the signature."""

import base64
import json
from typing import Any

SIGNATURE = "signature-of-a-token"


def unsigned(**claims: Any) -> str:
    """A token with these claims that no service takes."""
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"header.{payload}.{SIGNATURE}"

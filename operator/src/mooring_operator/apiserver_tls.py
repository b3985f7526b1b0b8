"""How the API server proves who it is, and we do: from a pod's service account or a kubeconfig."""

import base64
import ssl
import tempfile
from pathlib import Path
from typing import Any

import kopf


def tls(info: kopf.ConnectionInfo) -> dict[str, Any]:
    """What a pool of connections needs beside the address, which may be plain HTTP's."""
    return {"ssl_context": _ssl_context(info)} if info.server.startswith("https:") else {}


def _ssl_context(info: kopf.ConnectionInfo) -> ssl.SSLContext:
    authority = info.ca_data
    context = ssl.create_default_context(
        cafile=info.ca_path,
        cadata=base64.b64decode(authority).decode() if authority else None,
    )
    if info.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate, key = info.certificate_path, info.private_key_path
    if certificate and key:
        context.load_cert_chain(certificate, key)
    elif info.certificate_data and info.private_key_data:
        _load_inline(context, info.certificate_data, info.private_key_data)
    return context


def _load_inline(context: ssl.SSLContext, *parts: str | bytes) -> None:
    """Load a certificate and key that the kubeconfig holds itself: OpenSSL reads only files."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "client.pem")
        file.touch(mode=0o600)
        file.write_bytes(b"\n".join(base64.b64decode(part) for part in parts))
        context.load_cert_chain(file)

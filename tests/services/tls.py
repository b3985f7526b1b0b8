"""Certificates for services that are thrown away."""

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Issued:
    """The files of a certificate and of its key, and the authority that vouches for it, as PEM."""

    files: tuple[Path, Path]
    ca: str


def issue(folder: Path, name: str) -> Issued:
    """Write a certificate for the host `name` from an authority that nobody knows yet."""
    authority = trustme.CA()
    issued = authority.issue_cert(name)
    certificate, key = folder / "tls.crt", folder / "tls.key"
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    return Issued((certificate, key), authority.cert_pem.bytes().decode())

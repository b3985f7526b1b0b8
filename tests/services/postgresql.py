"""A PostgreSQL server that is thrown away."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.process import succeeds
from tests.services.process import folder, free_port, service

ADMIN = "postgres"
PASSWORD = "correct horse battery staple"
SETTINGS = {
    "fsync": "off",
    "listen_addresses": "127.0.0.1",
    "log_statement": "all",
    "log_line_prefix": "%u@%d ",
    "lc_messages": "C",
    "max_connections": "40",
    "shared_buffers": "16MB",
}


@dataclass(frozen=True, slots=True)
class Postgresql:
    """A running server. Its log holds every statement, as `user@database LOG: statement: …`."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    log: Path


def _programs() -> Path:
    """Return the folder of PostgreSQL's programs: Debian keeps them out of PATH."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not versions:
        raise RuntimeError("initdb: not found; install the package postgresql-15")
    return versions[-1]


def _tls(certificate: tuple[Path, Path], root: Path, user: str | None) -> dict[str, str]:
    """Copy the files to where the server may read them; it refuses a key that others may read."""
    copies = root / "tls.crt", root / "tls.key"
    for file, copy in zip(certificate, copies, strict=True):
        shutil.copyfile(file, copy)
        copy.chmod(0o600)
        if user:
            shutil.chown(copy, user)
    return {"ssl": "on", "ssl_cert_file": str(copies[0]), "ssl_key_file": str(copies[1])}


@contextmanager
def postgresql(certificate: tuple[Path, Path] | None = None) -> Iterator[Postgresql]:
    """Run a PostgreSQL server whose every login needs a password.

    With `certificate`, the files of a certificate and of its key, it also speaks TLS.
    """
    user = ADMIN if os.geteuid() == 0 else None
    with folder(user) as root:
        data, log, pwfile = root / "data", root / "log", root / "password"
        pwfile.write_text(PASSWORD)
        pwfile.chmod(0o644)
        subprocess.run(
            [_programs() / "initdb", "--pgdata", data, "--username", ADMIN, "--pwfile", pwfile,
             "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-sync"],
            check=True, user=user, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        port = free_port()
        settings = {**SETTINGS, "port": str(port), "unix_socket_directories": str(root)}
        if certificate:
            settings |= _tls(certificate, root, user)
        options = [f"--{name}={value}" for name, value in settings.items()]
        command: list[str | Path] = [_programs() / "postgres", "-D", data, *options]
        probe: list[str | Path] = [_programs() / "pg_isready", "-q", "-h127.0.0.1", f"-p{port}"]
        with service(
            command, log=log, ready=lambda: succeeds(probe), user=user, stop=signal.SIGINT
        ):
            yield Postgresql("127.0.0.1", port, ADMIN, PASSWORD, log)

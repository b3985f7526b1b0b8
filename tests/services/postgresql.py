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


@contextmanager
def postgresql() -> Iterator[Postgresql]:
    """Run a PostgreSQL server without TLS, whose every login needs a password."""
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
        options = [f"--{name}={value}" for name, value in settings.items()]
        command: list[str | Path] = [_programs() / "postgres", "-D", data, *options]
        probe: list[str | Path] = [_programs() / "pg_isready", "-q", "-h127.0.0.1", f"-p{port}"]
        with service(
            command, log=log, ready=lambda: succeeds(probe), user=user, stop=signal.SIGINT
        ):
            yield Postgresql("127.0.0.1", port, ADMIN, PASSWORD, log)

"""Run a service until the block ends."""

import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.process import PATIENCE_S, die_with_parent, wait_until

_LOWEST_PORT = 10_000
_STRIDE = 1009
"""Between the first ports of two processes that were started one after the other."""
_GIVEN_TO_CONNECTIONS = Path("/proc/sys/net/ipv4/ip_local_port_range")


def _ports() -> Iterator[int]:
    """Yield ports without end, from a place that differs between processes."""
    ports = range(_LOWEST_PORT, int(_GIVEN_TO_CONNECTIONS.read_text().split()[0]))
    for number in itertools.count(_STRIDE * os.getpid()):
        yield ports[number % len(ports)]


_PORTS = _ports()
_HELD: list[socket.socket] = []


def free_port() -> int:
    """Return a TCP port of the loopback address that nothing listens on, another each time.

    None of those that the kernel gives to connections: one could be taken before the service is
    up, and a client that connects to one of them while nothing listens can meet itself.
    """
    return next(port for port in _PORTS if _is_free(port))


def closed_port() -> int:
    """Return a TCP port of the loopback address that refuses everybody as long as this process is.

    It is held: a port that is merely free may be that of another test's service a moment later.
    """
    while True:
        held, port = socket.socket(), free_port()
        if _bound(held, port):
            _HELD.append(held)
            return port
        held.close()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return _bound(probe, port)


def _bound(probe: socket.socket, port: int) -> bool:
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


def answers(port: int) -> bool:
    """Tell whether something accepts connections on `port` of the loopback address."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def folder(user: str | None = None) -> Iterator[Path]:
    """Give a folder, owned by `user`, that is gone afterwards with all that is in it."""
    path = Path(tempfile.mkdtemp(prefix="mooring-test-"))
    try:
        if user is not None:
            shutil.chown(path, user)
        yield path
    finally:
        shutil.rmtree(path)


@contextmanager
def service(
    command: Sequence[str | Path],
    *,
    log: Path,
    ready: Callable[[], bool],
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    stop: signal.Signals = signal.SIGTERM,
    patience: float = PATIENCE_S,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` from the moment it is `ready` until the block ends.

    `env` is added to the environment; stdout and stderr go to `log`. Raises ClusterError with
    the log's name when the service does not get ready within `patience` seconds.
    """
    with log.open("ab") as out:
        process = subprocess.Popen(
            [str(part) for part in command],
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            user=user,
            preexec_fn=die_with_parent,
            start_new_session=True,
        )
    try:
        wait_until(
            lambda: process.poll() is not None or ready(),
            f"{command[0]} to get ready",
            timeout=patience,
        )
        if process.poll() is not None:
            raise RuntimeError(
                f"{command[0]} ended with {process.returncode}: {log.read_text(errors='replace')}"
            )
        yield process
    finally:
        _end(process, stop)


def _end(process: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    process.send_signal(stop)
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(PATIENCE_S)

"""The way to an API server that listens in another network namespace.

`python -m tests.cluster.forward NETWORK TARGET_PORT STATE` listens on a loopback port of the
machine, enters NETWORK, and passes every connection on to 127.0.0.1:TARGET_PORT there. A socket
stays in the namespace where it was made, so one process stands in both. kubectl, helm and tests
then need nothing but a kubeconfig.
"""

import asyncio
import contextlib
import ctypes
import json
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.files import write
from tests.cluster.paths import ClusterPaths
from tests.cluster.process import (
    ClusterError,
    alive,
    command_line,
    end,
    start_daemon,
    wait_until,
)

_CLONE_NEWNET = 0x40000000
_CHUNK = 1 << 16
_MODULE = "tests.cluster.forward"


@dataclass(frozen=True, slots=True)
class Forward:
    """A running forwarder."""

    pid: int
    port: int
    """On 127.0.0.1 of the machine."""


def _state(paths: ClusterPaths) -> Path:
    return paths.state / "forward.json"


def running(paths: ClusterPaths) -> Forward | None:
    """Return the forwarder of the cluster if it runs."""
    recorded = _recorded(paths)
    if recorded is None:
        return None
    ours = str(_state(paths)) in command_line(recorded.pid)
    return recorded if ours and alive(recorded.pid) else None


def _recorded(paths: ClusterPaths) -> Forward | None:
    try:
        record = json.loads(_state(paths).read_text())
    except FileNotFoundError:
        return None
    return Forward(pid=record["pid"], port=record["port"])


def start(paths: ClusterPaths, target_port: int) -> Forward:
    """Start the forwarder, or return the one that runs; the port is the last one if it is free.

    Raises ClusterError when it does not come up.
    """
    found = running(paths)
    if found is not None and _network_of(found.pid) == paths.network.stat().st_ino:
        return found
    stop(paths)  # it stands in a namespace that has been replaced
    command: list[str | Path] = [
        sys.executable, "-m", _MODULE, paths.network, str(target_port), _state(paths),
    ]  # fmt: skip
    log = paths.logs / "forward.log"
    source = Path(__file__).resolve().parents[2]
    pid = start_daemon(command, log=log, env={"PYTHONPATH": str(source)})
    wait_until(lambda: running(paths) is not None or not alive(pid), "the forwarder")
    found = running(paths)
    if found is None:
        raise ClusterError(f"the forwarder to the API server ended at once; see {log}")
    return found


def _network_of(pid: int) -> int:
    return Path(f"/proc/{pid}/ns/net").stat().st_ino


def stop(paths: ClusterPaths) -> None:
    """End the forwarder; its port stays recorded for the next start."""
    found = running(paths)
    if found is not None:
        end([found.pid])


def enter(network: Path) -> None:
    """Move this thread into the network namespace mounted at `network` (needs root)."""
    libc = ctypes.CDLL(None, use_errno=True)  # os.setns came with Python 3.12
    with network.open() as file:
        if libc.setns(file.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(network))


def _listen(port: int) -> socket.socket:
    with contextlib.suppress(OSError):
        return socket.create_server(("127.0.0.1", port))
    return socket.create_server(("127.0.0.1", 0))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


async def serve(listener: socket.socket, target_port: int) -> None:
    """Pass each connection to `listener` on to 127.0.0.1:`target_port`, until cancelled."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", target_port)
        except OSError:
            writer.close()  # the API server is starting or gone; the client says so
            return
        try:
            await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))
        finally:
            inner_writer.close()
            writer.close()

    server = await asyncio.start_server(connected, sock=listener)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Serve until a signal ends this process."""
    network, target_port, state = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    last = json.loads(state.read_text())["port"] if state.exists() else 0
    listener = _listen(last)
    enter(network)
    port = listener.getsockname()[1]
    write(state, json.dumps({"pid": os.getpid(), "port": port}))
    asyncio.run(serve(listener, target_port))


if __name__ == "__main__":
    main()

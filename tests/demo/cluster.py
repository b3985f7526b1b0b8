"""What the demo asks of the cluster: kubectl, helm, and ways into it."""

import json
import os
import re
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import Any, Final, Never

from tests.cluster import cluster
from tests.cluster.process import ClusterError, die_with_parent, run
from tests.cluster.tools import tool

TIMEOUT: Final = "--timeout=10m"
"""Of what kubectl waits for: only spent when it does not come, also on a busy machine."""
RETRY_S: Final = 1.0
FORWARDING: Final = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")


def environment() -> dict[str, str]:
    """The environment in which kubectl and helm find the cluster of this checkout."""
    return {"KUBECONFIG": str(cluster.kubeconfig())}


def kubectl(*arguments: str, stdin: str | None = None) -> str:
    """Run kubectl to its end; what it printed. Raises ClusterError with what it said."""
    return run([tool("kubectl"), *arguments], env=environment(), stdin=stdin)


def helm(*arguments: str) -> str:
    """Run helm to its end; what it printed. Raises ClusterError with what it said."""
    return run([tool("helm"), *arguments], env=environment())


def get(kind: str, name: str, namespace: str = "") -> dict[str, Any]:
    """One live object. Raises ClusterError where there is none."""
    where = ("-n", namespace) if namespace else ()
    live: dict[str, Any] = json.loads(kubectl("get", kind, name, *where, "-o", "json"))
    return live


def apply(*manifests: Mapping[str, Any]) -> None:
    """Server-side apply of the manifests."""
    document = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
    arguments = ("apply", "--server-side", "--field-manager=demo", "-f", "-")
    kubectl(*arguments, stdin=json.dumps(document))


@contextmanager
def forwarded(service: str, namespace: str, port: int) -> Iterator[str]:
    """Open the way to a Service while the block runs; its URL on this machine.

    Raises ClusterError when kubectl cannot.
    """
    with _forwarding(service, namespace, port) as (url, _):
        yield url


def keep_forwarded(
    service: str, namespace: str, port: int, local_port: int, *, tell: Callable[[str], None]
) -> Never:
    """Have the way to a Service open at a fixed port for ever; `tell` gets the URL, or why not.

    kubectl ends with its pod, and also when the pod resets a connection
    (kubernetes/kubernetes#111825); then it is started again.
    """
    told = ""
    while True:
        try:
            with _forwarding(service, namespace, port, local_port) as (news, process):
                if news != told:
                    tell(news)
                process.wait()
        except ClusterError as error:
            news = str(error)
            if news != told:
                tell(news)
            time.sleep(RETRY_S)
        told = news


@contextmanager
def _forwarding(
    service: str, namespace: str, port: int, local_port: int = 0
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    local = str(local_port) if local_port else ""
    command = ["port-forward", "-n", namespace, f"service/{service}", f"{local}:{port}"]
    with subprocess.Popen(
        [str(tool("kubectl")), *command],
        env={**os.environ, **environment()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=die_with_parent,
    ) as process:
        assert process.stdout is not None
        # It writes a line for each connection: unread, the pipe is full after some thousand, and
        # kubectl stands still.
        reader = Thread(target=deque, args=(process.stdout, 0))
        try:
            first = process.stdout.readline()
            match = FORWARDING.search(first)
            if match is None:
                rest = first + process.stdout.read()
                raise ClusterError(f"kubectl {' '.join(command)}: {rest.strip()}")
            reader.start()
            yield f"http://localhost:{match[1]}", process
        finally:
            process.terminate()
            if reader.is_alive():
                reader.join()

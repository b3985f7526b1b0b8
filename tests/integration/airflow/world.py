"""A workspace without a cluster: an MLflow server on SQLite and an S3 store, both as processes."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.session
import httpx

from mooring import contract
from tests.services.process import answers, folder, free_port, service
from tests.services.versitygw import Versitygw

BUCKET = "mlflow"
BINDING = "team-a"
WORKSPACE = "team-a/team-a"
LOGIN = (contract.TRACKING_USERNAME, contract.TRACKING_PASSWORD)


@dataclass(frozen=True, slots=True)
class Workspace:
    """A running tracking server whose artifacts go to `artifact_root` in the bucket of `store`."""

    url: str
    artifact_root: str
    store: Versitygw
    folder: Path
    environment: Mapping[str, str] = field(repr=False)
    """What the pods of its binding are given."""

    def client(self) -> Any:
        """A botocore S3 client with the store's root key."""
        return botocore.session.get_session().create_client(
            "s3",
            endpoint_url=self.store.s3,
            region_name=self.store.region,
            aws_access_key_id=self.store.access_key_id,
            aws_secret_access_key=self.store.secret_access_key,
        )

    def keys(self, prefix: str = "") -> list[str]:
        """The keys of every object in the bucket, as the store's owner sees them."""
        found = self.client().list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return [entry["Key"] for entry in found]

    def pod(
        self, program: str, *arguments: str, env: Mapping[str, str | None] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run `program` with this Python in an empty folder, as a bound pod would run it.

        `env` is added to the binding's; None unsets a name.
        """
        return run_as_pod(self.environment, program, *arguments, env=env)

    def mooring(self, command: str, env: Mapping[str, str | None] | None = None) -> Any:
        """Run `mooring <command>` as a bound pod would."""
        program = "from mooring.main import main; main()"
        return self.pod(program, command, env=env)

    def api(
        self, path: str, body: Mapping[str, Any] | None = None, method: str = "POST"
    ) -> dict[str, Any]:
        """Call the tracking server's REST API; a GET when there is no body."""
        url = f"{self.url}/api/2.0/mlflow/{path}"
        login = [self.environment.get(name) for name in LOGIN]
        auth = (login[0], login[1]) if login[0] and login[1] else None
        wanted = "GET" if body is None else method
        answer = httpx.request(wanted, url, json=body, auth=auth, timeout=60)
        answer.raise_for_status()
        return dict(answer.json())


def run_as_pod(
    environment: Mapping[str, str],
    program: str,
    *arguments: str,
    env: Mapping[str, str | None] | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run `program` with this Python in an empty folder, with `environment` and changes to it."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MLFLOW_"))}
    wanted = {**inherited, **environment, "PYTHONPATH": os.pathsep.join(sys.path)}
    for name, value in (env or {}).items():
        if value is None:
            wanted.pop(name, None)
        else:
            wanted[name] = value
    with folder() as home:
        return subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=home,
            env=wanted,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )


@contextmanager
def workspace(
    store: Versitygw, name: str = BINDING, destination: str | None = None
) -> Iterator[Workspace]:
    """Run a tracking server for workspace `name`; its bucket is made when it is missing.

    With `destination`, a folder or a URI, the server keeps artifacts there for its clients, and
    they get nothing of the store.
    """
    root = contract.PROXIED_ROOT if destination else f"s3://{BUCKET}/{name}/{name}"
    with folder() as home:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        environment = binding_environment(store, url, root)
        pods = {k: v for k, v in environment.items() if not (destination and of_the_store(k))}
        running = Workspace(url, root, store, home, pods)
        made = running.client().list_buckets()["Buckets"]
        if BUCKET not in {bucket["Name"] for bucket in made}:
            running.client().create_bucket(Bucket=BUCKET)
        with service(
            server_command(home, port, root, destination),
            env={
                **{k: v for k, v in environment.items() if k.startswith("AWS_")},
                contract.S3_ENDPOINT_URL: store.s3,
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
                "MLFLOW_DISABLE_TELEMETRY": "true",
                "MLFLOW_SERVER_ALLOWED_HOSTS": "127.0.0.1:*",
            },
            log=home / "server.log",
            ready=lambda: answers(port),
        ):
            yield running


SERVE = "import sys; from mooring.oneprocess import serve; serve(lambda: None, sys.argv[1:])"
"""`mlflow server` as one process: its child would outlive a test run that is killed."""


def of_the_store(name: str) -> bool:
    """Whether a variable is for clients of the store."""
    return name.startswith("AWS_") or name == contract.S3_ENDPOINT_URL


def server_command(
    home: Path, port: int, artifact_root: str, destination: str | None = None
) -> list[str]:
    """How the operator starts a tracking server, on SQLite."""
    proxy = ["--serve-artifacts", "--artifacts-destination", destination] if destination else []
    return [
        sys.executable, "-c", SERVE, "--host", "127.0.0.1", "--port", str(port),
        "--workers", "1", "--backend-store-uri", f"sqlite:///{home}/mlflow.db",
        "--default-artifact-root", artifact_root, *(proxy or ["--no-serve-artifacts"]),
    ]  # fmt: skip


def binding_environment(store: Versitygw, url: str, artifact_root: str) -> dict[str, str]:
    """What the ConfigMap and the Secret of a binding with Minted credentials hold."""
    return {
        "AWS_EC2_METADATA_DISABLED": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        contract.HTTP_MAX_RETRIES: "1",
        contract.TRACKING_URI: url,
        contract.EXPERIMENT_NAME: BINDING,
        contract.S3_ENDPOINT_URL: store.s3,
        contract.AWS_REGION: store.region,
        contract.AWS_ACCESS_KEY_ID: store.access_key_id,
        contract.AWS_SECRET_ACCESS_KEY: store.secret_access_key,
        contract.WORKSPACE: WORKSPACE,
        contract.BINDING: BINDING,
        contract.NAMESPACE: WORKSPACE.partition("/")[0],
        contract.ARTIFACT_ROOT: artifact_root,
    }

"""The canary: proves that what pods are given works, end to end, before a workspace is Ready.

It does what a training does, with MLflow's own client: it logs a run with a parameter and an
artifact. A second process then reads both back, and everything is deleted again. Health checks
prove less: a server answers 200 on /health with its database down, and `delete_artifacts` returns
without an error when the store refused to delete.
"""

import multiprocessing
import os
import socket
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from mooring import contract
from mooring.finding import Finding, redacted, secrets_of, tell
from mooring.guard import environment
from mooring.guard.http import Http
from mooring.location import lies_under

EXPERIMENT: Final = "mooring-canary"
PARAMETER: Final = "canary"
ARTIFACT: Final = "canary.bin"
ARTIFACT_BYTES: Final = 4096
READ_TIMEOUT_S: Final = 60.0

RETRIES: Final = "3"
"""14 s against a dead server; MLflow's default of 7 takes 250 s for each call."""


class Failed(Exception):
    """A step of the canary did not come out as it must."""


def run(environ: Mapping[str, str]) -> int:
    """Make the round trip with the environment of this process; 0 when all of it worked.

    Otherwise 1, with the step, what was found and what to do in the termination log.
    """
    started = time.monotonic()
    http = Http()
    for check in (environment.uri_is_remote, environment.pod_is_bound):
        if finding := check(environ, http):
            tell(finding, secrets_of(environ))
            return 1
    os.environ[contract.HTTP_MAX_RETRIES] = RETRIES
    try:
        _round_trip(environ[contract.ARTIFACT_ROOT])
    except Failed as failure:
        tell(Finding("CanaryFailed", str(failure)), secrets_of(environ))
        return 1
    print(f"mooring canary: round trip done after {time.monotonic() - started:.1f} s", flush=True)
    return 0


def _round_trip(artifact_root: str) -> None:
    with _step("import MLflow", "use the server image, which has it"):
        import mlflow  # noqa: F401, PLC0415 (seconds; here, so that the reader below shares it)
    content = uuid.uuid4().bytes * (ARTIFACT_BYTES // 16)
    with _reader() as read_back:
        client, run = _logged(content)
        try:
            _check_location(run.info.artifact_uri, artifact_root)
            _check_read_back(read_back(run.info.run_id), run.info.run_id, content)
        finally:
            _delete(client, run)


def _logged(content: bytes) -> tuple[Any, Any]:
    """A finished run with the parameter and the artifact."""
    from mlflow import MlflowClient  # noqa: PLC0415

    client = MlflowClient()
    with _step("create a run", "check the tracking server and its database"):
        found = client.get_experiment_by_name(EXPERIMENT)
        experiment = found.experiment_id if found else client.create_experiment(EXPERIMENT)
        run = client.create_run(experiment, run_name=f"canary-{socket.gethostname()}")
        client.log_param(run.info.run_id, PARAMETER, run.info.run_id)
    with (
        _step("upload an artifact", "check the workspace's role or key and its policy"),
        TemporaryDirectory() as folder,
    ):
        path = Path(folder, ARTIFACT)
        path.write_bytes(content)
        client.log_artifact(run.info.run_id, str(path))
        client.set_terminated(run.info.run_id)
    return client, run


def _check_location(artifact_uri: str, artifact_root: str) -> None:
    if not lies_under(artifact_uri, artifact_root):
        raise Failed(
            f"the run's artifacts went to {artifact_uri}, which is not under {artifact_root}: the "
            f"experiment {EXPERIMENT} was made with another artifact root. Delete it for good "
            "(mlflow gc), or restore the old root."
        )


def _check_read_back(found: object, run_id: str, content: bytes) -> None:
    match found:
        case (str(parameter), bytes(read)) if parameter == run_id and read == content:
            return
        case (str(parameter), bytes(read)):
            raise Failed(
                f"another process read back {len(read)} bytes that differ from the {len(content)} "
                f"uploaded, or the parameter {parameter!r} instead of {run_id!r}: the server "
                "that was written to is not the one that was read from."
            )
        case _:
            raise Failed(f"another process could not read the run back: {found}")


def _delete(client: Any, run: Any) -> None:
    """Delete artifacts and run; see that the artifacts are gone, as a refusal is not told."""
    from mlflow.store.artifact.artifact_repository_registry import (  # noqa: PLC0415
        get_artifact_repository,
    )

    with _step("delete the run", "give the workspace's role or key s3:DeleteObject"):
        get_artifact_repository(run.info.artifact_uri).delete_artifacts()  # type: ignore[no-untyped-call]
        client.delete_run(run.info.run_id)
        left = client.list_artifacts(run.info.run_id)
        if left:
            raise Failed(
                f"{run.info.artifact_uri}/{left[0].path} is still there after it was deleted: give "
                "the workspace's role or key s3:DeleteObject below the artifact root."
            )


@contextmanager
def _step(what: str, way_out: str) -> Iterator[None]:
    """Tell every exception of the block as the failure of the step `what`."""
    try:
        yield
    except Failed:
        raise
    except Exception as error:
        print(redacted(traceback.format_exc(), secrets_of(os.environ)), file=sys.stderr)
        found = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise Failed(f"could not {what}: {found}. To do: {way_out}.") from error


@contextmanager
def _reader() -> Iterator[Callable[[str], object]]:
    """Another process, forked before any client was made, that reads a run back when asked.

    Forked, because importing MLflow a second time takes longer than all the rest.
    """
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_read, args=(there,), daemon=True)
    process.start()

    def ask(run_id: str) -> object:
        here.send(run_id)
        if not here.poll(READ_TIMEOUT_S):
            return f"no answer within {READ_TIMEOUT_S:.0f} s"
        return here.recv()

    try:
        yield ask
    finally:
        process.terminate()
        process.join()


def _read(connection: Connection) -> None:
    """Answer a run id with its parameter and the artifact's bytes, or with what went wrong."""
    from mlflow import MlflowClient  # noqa: PLC0415

    run_id = connection.recv()
    try:
        client = MlflowClient()
        parameter = client.get_run(run_id).data.params.get(PARAMETER, "")
        with TemporaryDirectory() as folder:
            path = client.download_artifacts(run_id, ARTIFACT, folder)
            connection.send((parameter, Path(path).read_bytes()))
    except Exception as error:  # noqa: BLE001 (whatever it is, the other process tells it)
        connection.send(f"{type(error).__name__}: {error}".partition("\n")[0])

"""`mooring serve`: `mlflow server`, which waits for its schema instead of dying without it.

The server of a new workspace starts beside the migration of its database. Importing MLflow takes
seconds; they pass while the schema is made. What `mlflow server` is to do stands in its
environment variables (MLFLOW_PORT and the like), as MLflow documents them.
"""

import time
from collections.abc import Mapping
from typing import Final

from mooring.finding import Finding, tell
from mooring.migrate import BACKEND_STORE_URI

POLL_S: Final = 0.2


def run(environ: Mapping[str, str]) -> int:
    """Wait until the schema is the installed MLflow's, then serve until SIGTERM; the exit code."""
    if not environ.get(BACKEND_STORE_URI):
        tell(Finding("DatabaseMissing", f"{BACKEND_STORE_URI} is not set: set it."), [])
        return 1

    # seconds; what `mlflow server` would import anyway, now while the migration runs
    from mlflow.cli import cli  # noqa: PLC0415
    from mlflow.store.tracking import sqlalchemy_store  # noqa: F401, PLC0415

    wait_for_schema(environ[BACKEND_STORE_URI])
    cli.main(["server"], standalone_mode=False)
    return 0


def wait_for_schema(uri: str) -> None:
    """Return once the database at `uri` has the revision that the installed MLflow expects.

    No limit: the kubelet ends a container that does not answer its startup probe.
    """
    from mlflow.store.db import utils  # noqa: PLC0415
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415

    wanted = utils._get_latest_schema_revision()
    engine = utils.create_sqlalchemy_engine(uri)
    told = False
    while True:
        try:
            found = utils._get_schema_version(engine)
        except OperationalError:
            found = "none: the database does not answer"
        if found == wanted:
            break
        if not told:
            print(f"waiting for schema {wanted}, found {found or 'an empty database'}", flush=True)
            told = True
        time.sleep(POLL_S)
    engine.dispose()

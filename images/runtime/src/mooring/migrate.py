"""`mooring migrate`: bring the schema of the backend store to the installed MLflow's version.

`mlflow db upgrade URI` takes the URI, and with it the password, as an argument that every process
of the node can read; this takes it from the environment and runs the same command.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

from mooring.finding import Finding, tell

BACKEND_STORE_URI: Final = "MLFLOW_BACKEND_STORE_URI"


def run(environ: Mapping[str, str]) -> int:
    """Migrate the database that MLFLOW_BACKEND_STORE_URI names; the exit code.

    An empty database gets all tables, a current one is left alone. The finding of a failure also
    stands in the termination log.
    """
    uri = environ.get(BACKEND_STORE_URI, "")
    if not uri:
        tell(Finding("DatabaseMissing", f"{BACKEND_STORE_URI} is not set: set it."), [])
        return 1

    from mlflow.db import commands  # noqa: PLC0415 (costs seconds, and needs the server image)

    try:
        commands.main(["upgrade", uri], standalone_mode=False)
    except Exception as error:  # noqa: BLE001 (whatever the driver or a migration raises is told)
        password = urlsplit(uri).password or ""
        message = f"the migration of the database failed: {type(error).__name__}: {error}"
        tell(Finding("MigrationFailed", message), [uri, password, unquote(password)])
        return 1
    return 0

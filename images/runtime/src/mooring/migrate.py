"""`mooring migrate`: bring the schema of the backend store to the installed MLflow's version.

`mlflow db upgrade URI` takes the URI, and with it the password, as an argument that every process
of the node can read; this takes it from the environment and does the same.

A schema that holds data is upgraded only when MOORING_DATABASE_COPY names a copy of the database:
there is no way back from an upgrade but such a copy, and MLflow asks for one
(https://mlflow.org/docs/latest/self-hosting/migration). Of a SQLite file it makes one itself when
asked to.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from mooring import contract
from mooring.finding import Finding, tell
from mooring.schema import schemas

BACKEND_STORE_URI: Final = "MLFLOW_BACKEND_STORE_URI"


def run(environ: Mapping[str, str]) -> int:
    """Migrate the database that MLFLOW_BACKEND_STORE_URI names; the exit code.

    An empty database gets all tables, a current one is left alone. Exit codes: 0 when the schema
    is current at the end, `contract.SCHEMA_OLDER` when it needs an upgrade and no copy was named,
    `contract.SCHEMA_NEWER` when only a newer MLflow knows it, 1 for everything else. The finding
    of a failure also stands in the termination log.
    """
    uri = environ.get(BACKEND_STORE_URI, "")
    if not uri:
        tell(Finding("DatabaseMissing", f"{BACKEND_STORE_URI} is not set: set it."), [])
        return 1
    password = urlsplit(uri).password or ""
    secrets = [uri, password, unquote(password)]
    try:
        copy, auth = environ.get(contract.DATABASE_COPY, ""), bool(environ.get(contract.AUTH))
        code, finding = _migrate(uri, copy, auth=auth)
    except Exception as error:  # noqa: BLE001 (whatever the driver or a migration raises is told)
        message = f"the migration of the database failed: {type(error).__name__}: {error}"
        code, finding = 1, Finding("MigrationFailed", message)
    if finding is not None:
        tell(finding, secrets)
    return code


def _migrate(uri: str, copy: str, *, auth: bool) -> tuple[int, Finding | None]:
    # seconds, and only the server image has it
    from mlflow import __version__ as version  # noqa: PLC0415
    from mlflow.store.db import utils  # noqa: PLC0415

    engine = utils.create_sqlalchemy_engine(uri)
    for schema in schemas(engine, auth=auth):
        if schema.current:
            continue
        found, wanted = schema.found, schema.wanted
        if found is not None:
            if not schema.known:
                return contract.SCHEMA_NEWER, _newer(found, version)
            if copy == contract.COPY_BESIDE:
                copy = _copied_file(engine.url.database, found)
            if not copy:
                return contract.SCHEMA_OLDER, _older(found, wanted, version)
            print(f"upgrading schema {found} to {wanted}; the copy is {copy}", flush=True)
        schema.change()
    engine.dispose()
    return 0, None


def _copied_file(database: str, revision: str) -> str:
    """Copy a SQLite file beside itself, unless an earlier try did; the name of the copy."""
    copy = Path(f"{database}.{revision}")
    if not copy.exists():
        unfinished = Path(f"{copy}.part")
        unfinished.unlink(missing_ok=True)
        with closing(sqlite3.connect(database)) as live, closing(sqlite3.connect(unfinished)) as to:
            live.backup(to)
        unfinished.rename(copy)
    return copy.name


def _older(found: str, wanted: str, version: str) -> Finding:
    return Finding(
        "SchemaOlder",
        f"the database has schema {found}, MLflow {version} needs {wanted}: upgrade it, after a "
        f"copy that {contract.DATABASE_COPY} names.",
    )


def _newer(found: str, version: str) -> Finding:
    return Finding(
        "SchemaNewer",
        f"the database has schema {found}, which MLflow {version} does not know: a newer MLflow "
        "made it. Use that version or a newer one, or restore a copy from before its upgrade.",
    )

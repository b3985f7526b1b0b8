"""`mooring serve`: `mlflow server`, which waits for its schema instead of dying without it.

The server of a new workspace starts beside the migration of its database. Importing MLflow takes
seconds; they pass while the schema is made. What `mlflow server` is to do stands in its
environment variables (MLFLOW_PORT and the like), as MLflow documents them.
"""

import configparser
import os
import secrets
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

from mooring import contract
from mooring.finding import Finding, tell
from mooring.migrate import BACKEND_STORE_URI
from mooring.passwords import ADMIN, signed
from mooring.schema import schemas

POLL_S: Final = 0.2
AUTH_CACHE_S: Final = 60
"""How long a server knows a password of MLflow's own users again without its slow hash.

Without it a request takes 0.2 s longer; with it a server takes a changed one for as long.
"""
DEFAULT_PERMISSION: Final = "EDIT"
"""What every user may do with what others made: read it and log to it, but not delete it."""


def run(environ: Mapping[str, str]) -> int:
    """Wait until the schema is the installed MLflow's, then serve until SIGTERM; the exit code.

    It returns only when it cannot begin.
    """
    if not environ.get(BACKEND_STORE_URI):
        tell(Finding("DatabaseMissing", f"{BACKEND_STORE_URI} is not set: set it."), [])
        return 1

    # seconds; they pass while the migration runs
    from mooring.oneprocess import serve  # noqa: PLC0415

    folder = environ.get(contract.AUTH)
    if folder:
        os.environ.update(auth_environment(environ[BACKEND_STORE_URI], Path(folder)))
    app = ["--app-name", "basic-auth"] if folder else []
    return serve(partial(wait_for_schema, environ[BACKEND_STORE_URI], auth=bool(folder)), app)


def auth_environment(database: str, folder: Path) -> dict[str, str]:
    """The environment in which MLflow's basic-auth app asks `mooring.login`; writes its file.

    `folder` has the key. All servers of a workspace have to sign their forms alike.
    """
    settings = {
        "default_permission": DEFAULT_PERMISSION,
        "database_uri": database,
        "admin_username": ADMIN,
        "authorization_function": "mooring.login:authenticate",
        "auth_cache_ttl_seconds": str(AUTH_CACHE_S),
    }
    config = configparser.ConfigParser()
    config["mlflow"] = {name: value.replace("%", "%%") for name, value in settings.items()}
    file = Path(tempfile.mkdtemp(prefix="mooring-auth-"), "basic_auth.ini")
    with file.open("x") as written:
        config.write(written)
    key = (folder / contract.AUTH_KEY_FILE).read_text()
    return {
        "MLFLOW_AUTH_CONFIG_PATH": str(file),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": signed(key, "forms"),
        # the app does not start without one; nobody knows it and nothing asks for it
        "MLFLOW_AUTH_ADMIN_PASSWORD": secrets.token_urlsafe(24),
    }


def wait_for_schema(uri: str, *, auth: bool = False) -> None:
    """Return once the database at `uri` has the revision that the installed MLflow expects.

    With `auth`, the tables of its basic-auth app too. No limit: the kubelet ends a container that
    does not answer its startup probe.
    """
    from mlflow.store.db import utils  # noqa: PLC0415
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415

    engine = utils.create_sqlalchemy_engine(uri)
    told = False
    while True:
        try:
            stale = [each for each in schemas(engine, auth=auth) if not each.current]
            waits = "".join(
                f"schema {each.wanted}, found {each.found or 'none'}" for each in stale[:1]
            )
        except OperationalError:
            waits = "the database, which does not answer"
        if not waits:
            break
        if not told:
            print(f"waiting for {waits}", flush=True)
            told = True
        time.sleep(POLL_S)
    engine.dispose()

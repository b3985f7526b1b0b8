"""`mooring migrate` on a real database file."""

import contextlib
import sqlite3
from pathlib import Path

from mooring.migrate import BACKEND_STORE_URI
from tests.integration.airflow.world import Workspace


def test_makes_the_tables_and_may_run_again(team: Workspace, tmp_path: Path) -> None:
    database = tmp_path / "mlflow.db"
    for _ in range(2):
        done = team.mooring("migrate", env={BACKEND_STORE_URI: f"sqlite:///{database}"})
        assert done.returncode == 0, done.stderr
    with contextlib.closing(sqlite3.connect(database)) as connection:
        tables = connection.execute("select count(*) from sqlite_master where name = 'runs'")
        assert tables.fetchone() == (1,)


def test_says_what_is_missing(team: Workspace) -> None:
    done = team.mooring("migrate", env={BACKEND_STORE_URI: None})
    assert done.returncode == 1
    assert done.stderr == f"DatabaseMissing: {BACKEND_STORE_URI} is not set: set it.\n"


def test_a_failure_does_not_tell_the_password(team: Workspace) -> None:
    uri = "nosuchdriver://someone:secret-word@127.0.0.1/mlflow"
    done = team.mooring("migrate", env={BACKEND_STORE_URI: uri})
    assert done.returncode == 1
    assert "MigrationFailed: the migration of the database failed: " in done.stderr
    assert "secret-word" not in done.stderr + done.stdout

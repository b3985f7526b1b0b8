"""`mooring migrate` on real databases, one of them with the data of an older MLflow."""

import contextlib
import re
import sqlite3
import subprocess
from collections.abc import Mapping
from pathlib import Path

from mooring.contract import COPY_BESIDE, DATABASE_COPY, SCHEMA_NEWER, SCHEMA_OLDER
from mooring.migrate import BACKEND_STORE_URI
from tests.integration.airflow.world import Workspace
from tests.services.older_mlflow import (
    LOG,
    READ,
    WRITTEN,
    older,
    older_environment,
    older_python,
)


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


def test_a_file_on_a_volume_is_copied_beside_itself(team: Workspace, tmp_path: Path) -> None:
    """As the init container of a server on a volume does."""
    database = tmp_path / "mlflow.db"
    uri, artifacts = f"sqlite:///{database}", (tmp_path / "artifacts").as_uri()
    environment = {BACKEND_STORE_URI: uri, DATABASE_COPY: COPY_BESIDE}
    assert older_migrate(environment) == 0
    assert list(tmp_path.glob("mlflow.db.*")) == [], "a new file has nothing to go back to"
    older(LOG, uri, artifacts)

    done = team.mooring("migrate", env=environment)
    assert done.returncode == 0, done.stderr
    assert team.pod(READ, uri).stdout == WRITTEN

    [copy] = tmp_path.glob("mlflow.db.*")
    copy.rename(database)
    assert older(READ, uri) == WRITTEN


def older_migrate(env: Mapping[str, str]) -> int:
    command: list[str | Path] = [
        older_python(),
        "-c",
        "from mooring.main import main; main()",
        "migrate",
    ]
    return subprocess.run(command, env=older_environment(env), check=False).returncode


def test_an_older_schema_is_upgraded_only_with_a_copy_and_keeps_its_data(
    team: Workspace, tmp_path: Path
) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    artifacts = (tmp_path / "artifacts").as_uri()
    assert older_migrate({BACKEND_STORE_URI: uri}) == 0
    older(LOG, uri, artifacts)
    assert older(READ, uri) == WRITTEN

    refused = team.mooring("migrate", env={BACKEND_STORE_URI: uri})
    assert refused.returncode == SCHEMA_OLDER
    assert re.match(r"SchemaOlder: the database has schema \w+, MLflow 3\.17", refused.stderr)
    assert older(READ, uri) == WRITTEN, "a refusal changes nothing"

    done = team.mooring("migrate", env={BACKEND_STORE_URI: uri, DATABASE_COPY: "before"})
    assert done.returncode == 0, done.stderr
    assert team.pod(READ, uri).stdout == WRITTEN

    assert older_migrate({BACKEND_STORE_URI: uri}) == SCHEMA_NEWER, "the way back is a copy alone"

"""`mooring migrate` on real databases, one of them with the data of an older MLflow."""

import contextlib
import re
import sqlite3
import subprocess
from collections.abc import Mapping
from pathlib import Path

from mooring.contract import DATABASE_COPY, SCHEMA_NEWER, SCHEMA_OLDER
from mooring.migrate import BACKEND_STORE_URI
from tests.integration.airflow.world import Workspace
from tests.services.older_mlflow import older_environment, older_python


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


CLIENT = """
import mlflow, sys
mlflow.set_tracking_uri(sys.argv[1])
client = mlflow.MlflowClient()
"""
LOG = (
    CLIENT
    + """
experiment = client.create_experiment("old", artifact_location=sys.argv[2])
with mlflow.start_run(experiment_id=experiment) as run:
    mlflow.log_param("depth", 3)
    mlflow.log_metric("loss", 0.25, step=7)
    mlflow.log_text("weights", "model.txt")
client.create_registered_model("forest")
version = client.create_model_version("forest", run.info.artifact_uri, run.info.run_id)
client.set_registered_model_alias("forest", "champion", version.version)
"""
)
READ = (
    CLIENT
    + """
champion = client.get_model_version_by_alias("forest", "champion")
run = client.get_run(champion.run_id)
metrics = [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "loss")]
text = mlflow.artifacts.load_text(run.info.artifact_uri + "/model.txt")
print(run.data.params, metrics, text)
"""
)


def older(program: str, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """Run `program` with MLflow 3.11; what it printed."""
    done = subprocess.run(
        [older_python(), "-c", program, *arguments], env=older_environment(env or {}),
        capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def older_migrate(env: Mapping[str, str]) -> int:
    command = [older_python(), "-c", "from mooring.main import main; main()", "migrate"]
    return subprocess.run(command, env=older_environment(env), check=False).returncode


def test_an_older_schema_is_upgraded_only_with_a_copy_and_keeps_its_data(
    team: Workspace, tmp_path: Path
) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    artifacts = (tmp_path / "artifacts").as_uri()
    assert older_migrate({BACKEND_STORE_URI: uri}) == 0
    older(LOG, uri, artifacts)
    before = older(READ, uri)
    assert before == "{'depth': '3'} [(7, 0.25)] weights\n"

    refused = team.mooring("migrate", env={BACKEND_STORE_URI: uri})
    assert refused.returncode == SCHEMA_OLDER
    assert re.match(r"SchemaOlder: the database has schema \w+, MLflow 3\.17", refused.stderr)
    assert older(READ, uri) == before, "a refusal changes nothing"

    done = team.mooring("migrate", env={BACKEND_STORE_URI: uri, DATABASE_COPY: "before"})
    assert done.returncode == 0, done.stderr
    assert team.pod(READ, uri).stdout == before

    assert older_migrate({BACKEND_STORE_URI: uri}) == SCHEMA_NEWER, "the way back is a copy alone"

"""`mlflow gc`, as the CronJob calls it, on a real server and a real store."""

from mooring_operator.api.server import ServerDefaults
from mooring_operator.api.workspace import GarbageCollection
from mooring_operator.plan.connection import Connection, StoreClient
from mooring_operator.plan.database import DatabaseClient
from mooring_operator.plan.garbage import garbage_collection
from mooring_operator.plan.metadata import Owner
from tests.integration.airflow.world import Workspace

LOG = """
import mlflow, sys
with mlflow.start_run() as run:
    mlflow.log_text("weights", "model.txt")
if sys.argv[1] == "delete":
    mlflow.delete_run(run.info.run_id)
print(run.info.run_id)
"""


def collect(team: Workspace, older_than: str) -> None:
    """Run the container of the CronJob as a process."""
    owner = Owner("MlflowWorkspace", "team-a", "team-a", "")
    connection = Connection(owner, StoreClient(team.artifact_root, {}))
    job = garbage_collection(
        connection,
        ServerDefaults(image="mooring/server"),
        GarbageCollection(schedule="@daily", older_than=older_than),
        DatabaseClient("1"),
    )
    [container] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    database = f"sqlite:///{team.folder}/mlflow.db"
    program = "import sys; from mlflow.cli import cli; cli(sys.argv[1:])"
    done = team.pod(
        program,
        *(
            team.url if word == connection.tracking_uri else word
            for word in container["command"][1:]
        ),
        env={variable["name"]: variable.get("value", database) for variable in container["env"]},
    )
    assert done.returncode == 0, done.stderr


def logged(team: Workspace, what: str) -> str:
    """The id of a run with an artifact; MLflow prints the run's page above it."""
    return team.pod(LOG, what).stdout.splitlines()[-1]


def is_stored(team: Workspace, run_id: str) -> bool:
    keys = team.keys()
    return any(run_id in key for key in keys)


def test_a_deleted_run_goes_with_its_artifacts_once_it_is_old_enough(team: Workspace) -> None:
    kept, deleted = (logged(team, what) for what in ("keep", "delete"))
    assert is_stored(team, deleted), "MLflow alone keeps what is deleted"

    collect(team, "1h")
    assert is_stored(team, deleted), "not old enough"

    collect(team, "0s")
    assert not is_stored(team, deleted)
    assert is_stored(team, kept)

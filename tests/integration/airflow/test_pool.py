"""A tracking server with the operator's settings, and more trainings at once than connections.

With a pool of three, which was set here before, these clients wait for each other until
SQLAlchemy gives up after 30 s; MLflow answers 400, and what was logged is gone.
"""

import os
import subprocess
import sys

from mooring.migrate import BACKEND_STORE_URI
from mooring_operator.plan.server import SETTINGS
from tests.integration.airflow.test_serve import answers, database, mooring
from tests.services.postgresql import Postgresql
from tests.services.process import folder, free_port, service

CLIENTS = 8
PROGRAM = """
import sys, mlflow
from mlflow.entities import Metric, Param
mlflow.set_tracking_uri(sys.argv[1])
client = mlflow.MlflowClient()
for _ in range(3):
    run = client.create_run("0").info.run_id
    client.log_batch(run, [Metric("loss", 1.0, 0, 0)], [Param("depth", "3")])
    model = client.create_logged_model("0", name="model", source_run_id=run, params={"a": "1"})
    client.finalize_logged_model(model.model_id, "READY")
    client.update_run(run, "FINISHED")
"""


def test_trainings_that_log_at_once_lose_nothing(postgresql_service: Postgresql) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = SETTINGS | {
        BACKEND_STORE_URI: database(postgresql_service),
        "MLFLOW_HOST": "127.0.0.1",
        "MLFLOW_PORT": str(port),
        "MLFLOW_WORKERS": "1",
        "MLFLOW_SERVE_ARTIFACTS": "false",
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": "s3://mlflow/team-a/team-a",
    }
    subprocess.run(mooring("migrate"), env={**os.environ, **environment}, check=True)
    with (
        folder() as home,
        service(mooring("serve"), env=environment, log=home / "log", ready=lambda: answers(url)),
    ):
        trainings = [
            subprocess.Popen(
                [sys.executable, "-c", PROGRAM, url], stderr=subprocess.PIPE, text=True
            )
            for _ in range(CLIENTS)
        ]
        said = [training.communicate()[1] for training in trainings]
    lost = [text for training, text in zip(trainings, said, strict=True) if training.returncode]
    assert not lost, lost[0]

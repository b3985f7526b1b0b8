"""One of many trainings: says which one it is, and waits where its sidecar is to be killed."""

import json
import os
import sys
import time
from pathlib import Path

import mlflow

PATIENCE_S = 900

index = os.environ["INDEX"]
with mlflow.start_run() as run:
    mlflow.log_param("index", index)
    mlflow.log_text(index, "model.txt")
if index in sys.argv:
    deadline = time.monotonic() + PATIENCE_S
    while not Path("/tmp/go").exists():  # noqa: S108 (the pod's own)
        if time.monotonic() > deadline:
            sys.exit(f"nobody has killed the sidecar in {PATIENCE_S} s")
        time.sleep(0.2)
Path("/airflow/xcom/return.json").write_text(json.dumps({"run_id": run.info.run_id}))

"""Logs one run with an artifact, called as the first argument says; then waits if told to."""

import signal
import sys

import mlflow

with mlflow.start_run(run_name=sys.argv[1]) as run:
    mlflow.log_text("weights", "model.txt")
print("logged", run.info.run_id, flush=True)
if "--stay" in sys.argv:
    signal.pause()

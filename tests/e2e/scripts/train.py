"""The training of these tests, as most people's looks: autolog, and nothing else about MLflow."""

import argparse
import json
import os
import time
from contextlib import nullcontext
from pathlib import Path

import mlflow
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

PATIENCE_S = 150

# To guess what a model needs MLflow imports all of it once more, in a process that this kills at
# once: it takes the requirements of the flavor then, and says so. No test looks at them, and some
# thirty trainings of a test run guess for two and a half seconds each.
os.environ["MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT"] = "0"


def main(alpha: float, wait_for: str, hand_over: str, *, autolog_only: bool) -> None:
    """Train one model.

    `wait_for`: train only once the run has that tag. `hand_over`: the file to write the reference
    to. `autolog_only`: leave it to autolog to make the run.
    """
    mlflow.sklearn.autolog()
    features, labels = load_diabetes(return_X_y=True)
    with nullcontext() if autolog_only else mlflow.start_run() as run:
        if run and wait_for:
            await_tag(run.info.run_id, wait_for)
        Ridge(alpha=alpha).fit(features, labels)
    last, model = mlflow.last_active_run(), mlflow.last_logged_model()
    run_id, model_id = last and last.info.run_id, model and model.model_id
    print(f"trained: run {run_id} model {model_id}")
    if hand_over:
        Path(hand_over).write_text(json.dumps({"run_id": run_id, "model_id": model_id}))


def await_tag(run_id: str, tag: str) -> None:
    """Wait until somebody has set `tag` on the run."""
    deadline = time.monotonic() + PATIENCE_S
    while tag not in mlflow.get_run(run_id).data.tags:
        if time.monotonic() > deadline:
            raise TimeoutError(f"run {run_id} has no tag {tag} after {PATIENCE_S} s")
        time.sleep(0.2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--alpha", type=float, default=1.0)
    parser.add_argument("--wait-for", default="")
    parser.add_argument("--hand-over", default="")
    parser.add_argument("--autolog-only", action="store_true")
    main(**vars(parser.parse_args()))

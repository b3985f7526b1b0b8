"""The training of the end-to-end tests, which waits in the middle: its run is open meanwhile."""

import time
from pathlib import Path

import mlflow
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

GO = Path("/tmp/go")  # noqa: S108 (of the pod alone)
PATIENCE_S = 600

if __name__ == "__main__":
    mlflow.sklearn.autolog()
    features, labels = load_diabetes(return_X_y=True)
    with mlflow.start_run():
        deadline = time.monotonic() + PATIENCE_S
        while not GO.exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"nobody made {GO}")
            time.sleep(0.2)
        Ridge().fit(features, labels)
    print("trained")

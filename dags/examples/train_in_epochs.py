"""Train a classifier epoch by epoch; in the run of an earlier try from its last checkpoint on."""

import argparse
import pickle
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
import sklearn
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import SGDClassifier
from sklearn.preprocessing import StandardScaler

CHECKPOINT = "checkpoint.pkl"


def main(epochs: int, pause: float) -> None:
    """Log a checkpoint and its accuracy after each epoch, and the model after the last one."""
    features, labels = load_breast_cancer(return_X_y=True)
    features = StandardScaler().fit_transform(features)
    # MLFLOW_RUN_ID is there on a retry, and this run is then that of the try before.
    with mlflow.start_run() as run:
        done = int(run.data.metrics.get("epoch", 0))
        classifier = restored(run.info.run_id) if done else SGDClassifier(loss="log_loss")
        print(f"epochs done before: {done}")
        for epoch in range(done + 1, epochs + 1):
            classifier.partial_fit(features, labels, classes=[0, 1])
            save(classifier)
            accuracy = classifier.score(features, labels)
            # After the checkpoint: an epoch that counts as done can be gone on from.
            mlflow.log_metrics({"accuracy": accuracy, "epoch": epoch}, step=epoch)
            time.sleep(pause)
        needs = [f"scikit-learn=={sklearn.__version__}"]
        mlflow.sklearn.log_model(classifier, name="model", pip_requirements=needs)


def save(classifier: SGDClassifier) -> None:
    """Put the classifier in the place of the checkpoint before it."""
    with TemporaryDirectory() as folder:
        path = Path(folder, CHECKPOINT)
        path.write_bytes(pickle.dumps(classifier))
        mlflow.log_artifact(str(path))


def restored(run_id: str) -> Any:
    """The classifier of the last checkpoint of a run."""
    path = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=CHECKPOINT)
    return pickle.loads(Path(path).read_bytes())  # noqa: S301 (this program has written it)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--pause", type=float, default=1.0, help="seconds after each epoch")
    arguments = parser.parse_args()
    main(arguments.epochs, arguments.pause)

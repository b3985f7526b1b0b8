"""What the pod of `mooring demo-data` runs: a line is fitted to points, at several learning rates.

Its text goes into the Job as it stands, so it needs nothing but MLflow. Arguments: the experiment,
and how many runs. The ids of the runs are the container's termination message.
"""

import json
import random
import sys
from pathlib import Path

import mlflow

EPOCHS = 20
POINTS = [(x / 10, 3 * x / 10 + 1 + random.gauss(0, 0.1)) for x in range(20)]
TERMINATION_LOG = Path("/dev/termination-log")


def fit(rate: float) -> str:
    """Fit by gradient descent with a learning rate, log it, and return the id of the run."""
    slope = intercept = 0.0
    with mlflow.start_run(run_name=f"learning-rate-{rate:g}") as run:
        mlflow.log_params({"learning_rate": rate, "epochs": EPOCHS})
        for epoch in range(EPOCHS):
            errors = [(slope * x + intercept - y, x) for x, y in POINTS]
            slope -= rate * sum(error * x for error, x in errors) / len(POINTS)
            intercept -= rate * sum(error for error, _ in errors) / len(POINTS)
            loss = sum(error**2 for error, _ in errors) / len(POINTS)
            mlflow.log_metric("loss", loss, step=epoch)
        mlflow.log_dict({"slope": slope, "intercept": intercept}, "line.json")
        mlflow.log_text("\n".join(f"{x},{y}" for x, y in POINTS), "points.csv")
    return str(run.info.run_id)


def main() -> None:
    """Log as many runs as the command line says."""
    _, experiment, runs = sys.argv
    mlflow.set_experiment(experiment)
    ids = [fit(0.5 / 2**number) for number in range(int(runs))]
    if TERMINATION_LOG.exists():
        TERMINATION_LOG.write_text(json.dumps(ids))


if __name__ == "__main__":
    main()

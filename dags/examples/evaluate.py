"""Compare the runs that the train tasks handed on, and make the best model the champion."""

import argparse
import json
from typing import Any

import mlflow
import pandas as pd
from mlflow import MlflowClient

METRIC = "holdout_roc_auc"
ALIAS = "champion"


def main(model: str, references: list[dict[str, Any]]) -> None:
    """Register the model of the best run in `references` as `model` and set its alias."""
    client = MlflowClient()
    metrics = [client.get_run(ref["run_id"]).data.metrics[METRIC] for ref in references]
    table = pd.DataFrame(references)[["run_id", "model_uri"]].assign(**{METRIC: metrics})
    table = table.sort_values(METRIC, ascending=False)
    best = table.iloc[0]
    with mlflow.start_run(run_name="evaluate"):
        mlflow.log_text(table.to_csv(index=False), "comparison.csv")
        mlflow.log_metric(METRIC, best[METRIC])
        version = mlflow.register_model(best["model_uri"], model).version
        client.set_registered_model_alias(model, ALIAS, version)
        mlflow.set_tags({"best_run_id": best["run_id"], "registered_version": version})
    print(f"{model} version {version} is {ALIAS}: {METRIC} {best[METRIC]:.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="name to register the best model under")
    parser.add_argument("--runs", required=True, type=json.loads, help="run references, as JSON")
    arguments = parser.parse_args()
    main(arguments.model, arguments.runs)

"""Predict with the champion of a registered model."""

import argparse

import mlflow
from sklearn.datasets import load_breast_cancer


def main(model: str) -> None:
    """Load `models:/<model>@champion`, predict every row, log the predictions."""
    features, labels = load_breast_cancer(return_X_y=True, as_frame=True)
    champion = mlflow.sklearn.load_model(f"models:/{model}@champion")
    predictions = champion.predict(features)
    with mlflow.start_run(run_name="score"):
        table = labels.to_frame("label").assign(prediction=predictions)
        mlflow.log_text(table.to_csv(index=False), "predictions.csv")
        mlflow.log_metric("accuracy", float((predictions == labels).mean()))
    print(f"{len(table)} predictions, {(predictions == labels).mean():.4f} of them right")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="name of the registered model")
    main(parser.parse_args().model)

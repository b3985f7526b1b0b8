"""Train a classifier of one regularization on scikit-learn's breast cancer data."""

import argparse

import mlflow
import pandas as pd
import sklearn
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def main(strength: float) -> None:
    """Log a run with autolog's parameters and metrics, two artifacts of its own and the model."""
    # The model is logged below with its requirements: autolog would import all anew to guess them.
    mlflow.sklearn.autolog(log_models=False)
    features, labels = load_breast_cancer(return_X_y=True, as_frame=True)
    x_train, x_test, y_train, y_test = train_test_split(
        features, labels, stratify=labels, random_state=0
    )
    with mlflow.start_run(run_name=f"C={strength:g}"):
        classifier = LogisticRegression(C=strength)
        pipeline = make_pipeline(StandardScaler(), classifier).fit(x_train, y_train)
        probabilities = pipeline.predict_proba(x_test)[:, 1]
        mlflow.log_metric("holdout_roc_auc", roc_auc_score(y_test, probabilities))
        coefficients = pd.Series(classifier.coef_[0], index=features.columns, name="coefficient")
        mlflow.log_text(coefficients.to_csv(), "coefficients.csv")
        mlflow.sklearn.log_model(
            pipeline,
            name="model",
            signature=mlflow.models.infer_signature(x_test, probabilities),
            pip_requirements=[f"scikit-learn=={sklearn.__version__}"],
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--strength", type=float, required=True, help="inverse of the regularization"
    )
    main(parser.parse_args().strength)

"""Load each model that was handed over, and tell what it was trained with."""

import argparse
import json

import mlflow

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("references", type=json.loads)
    for position, reference in enumerate(parser.parse_args().references):
        model = mlflow.sklearn.load_model(f"models:/{reference['model_id']}")
        print(f"evaluated: {position} run {reference['run_id']} alpha {model.alpha:g}")

"""A small training: one param and three files."""

import mlflow

with mlflow.start_run() as run:
    mlflow.log_param("alpha", 0.5)
    for name in ("model.txt", "plots/loss.txt", "plots/auc.txt"):
        mlflow.log_text("content", name)
print("trained: run", run.info.run_id)

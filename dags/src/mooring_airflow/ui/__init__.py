"""The page "MLflow" in Airflow's own UI: what became of the runs of a DAG run."""

"""Airflow tasks whose MLflow runs and artifacts are known to have landed."""

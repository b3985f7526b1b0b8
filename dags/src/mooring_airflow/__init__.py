"""Airflow tasks whose MLflow runs and artifacts are known to have landed."""

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """What Airflow lists about this provider (apache-airflow: provider_info.schema.json)."""
    return {
        "package-name": "mooring-airflow",
        "name": "Mooring",
        "description": __doc__,
        "extra-links": ["mooring_airflow.links.MlflowRunLink"],
    }

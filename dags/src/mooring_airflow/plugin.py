"""What the provider adds to Airflow's own pages.

Every process of Airflow imports this module, most of them for nothing: it imports Airflow's plugin
class, which is there already, and leaves the rest to the first request (tests/unit/airflow/
test_plugin.py).
"""

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from mooring_airflow.ui.mount import MOUNTED_AT, Page


class MooringPlugin(AirflowPlugin):
    """The tab "MLflow" of a DAG run."""

    name = "mooring"
    fastapi_apps: list[Any] = [  # noqa: RUF012 (as the base class has it)
        {"name": "MLflow", "app": Page(), "url_prefix": f"/{MOUNTED_AT}"}
    ]
    external_views: list[Any] = [  # noqa: RUF012
        {
            "name": "MLflow",
            "destination": "dag_run",
            "url_route": "mlflow",
            # No leading slash: it is resolved against the path of [api] base_url.
            "href": f"{MOUNTED_AT}/dags/{{DAG_ID}}/runs/{{RUN_ID}}",
        }
    ]

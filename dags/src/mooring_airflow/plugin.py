"""What the provider adds to Airflow's own pages, and to its templates.

Every process of Airflow imports this module, most of them for nothing: it imports Airflow's plugin
class, which is there already, and leaves the rest to the first request (tests/unit/airflow/
test_plugin.py).
"""

from typing import Any

from airflow.plugins_manager import AirflowPlugin
from jinja2 import pass_context

from mooring_airflow.ui.mount import MOUNTED_AT, Page


@pass_context
def run_context(context: Any) -> str:
    """`{{ macros.mooring.run_context() }}`: the value of MLFLOW_RUN_CONTEXT for this task instance.

    For pods that Airflow does not make itself, and that its policy never sees: those of a
    SparkApplication, of a training operator's resource.
    """
    from mooring_airflow import identity  # noqa: PLC0415 (for those alone who ask)

    return identity.run_context(identity.context_tags(context))


class MooringPlugin(AirflowPlugin):
    """The tab "MLflow" of a DAG run, and what templates may ask for."""

    name = "mooring"
    macros: list[Any] = [run_context]  # noqa: RUF012 (as the base class has it)
    fastapi_apps: list[Any] = [  # noqa: RUF012
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

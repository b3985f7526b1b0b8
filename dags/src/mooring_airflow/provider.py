"""What Airflow is told of this provider (apache-airflow: provider_info.schema.json).

No import of Airflow: it asks for this while it starts.
"""

from typing import Any, Final

from mooring_airflow.form import CONNECTION_TYPE, FIELD_BEHAVIOUR, FORM
from mooring_airflow.options import DESCRIPTION, OPTIONS

INTEGRATION: Final = "MLflow"

LINKS: Final = (
    "MlflowRunLink",
    "MlflowExperimentLink",
    "MlflowModelLink",
    "MlflowModelVersionLink",
)


def get_provider_info() -> dict[str, Any]:
    """The provider's operators, hooks, connection and links, by the keys of Airflow's schema."""
    return {
        "package-name": "mooring-airflow",
        "name": "Mooring",
        "description": "Airflow tasks whose MLflow runs and artifacts are known to have landed.",
        "integrations": [
            {
                "integration-name": INTEGRATION,
                "external-doc-url": "https://mlflow.org/",
                "tags": ["software"],
            }
        ],
        "operators": _modules("operators", "registry"),
        "sensors": _modules("sensors"),
        "triggers": _modules("triggers"),
        "hooks": _modules("hooks"),
        "asset-uris": [
            {
                "schemes": ["mlflow"],
                "handler": "mooring_airflow.assets.sanitize_uri",
                "factory": "mooring_airflow.assets.registered_model",
            }
        ],
        "connection-types": [
            {
                "connection-type": CONNECTION_TYPE,
                "hook-class-name": "mooring_airflow.hooks.MlflowHook",
                "hook-name": "MLflow",
                "conn-fields": FORM,
                "ui-field-behaviour": FIELD_BEHAVIOUR,
            }
        ],
        "extra-links": [f"mooring_airflow.links.{name}" for name in LINKS],
        "task-decorators": [
            {"name": "mlflow", "class-name": "mooring_airflow.decorators.mlflow_task"}
        ],
        "config": {"mooring": {"description": DESCRIPTION, "options": OPTIONS}},
    }


def _modules(*names: str) -> list[dict[str, Any]]:
    modules = [f"{__package__}.{name}" for name in names]
    return [{"integration-name": INTEGRATION, "python-modules": modules}]

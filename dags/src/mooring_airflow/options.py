"""The provider's section of Airflow's settings, for `get_provider_info`. Imports nothing."""

from typing import Any, Final

DESCRIPTION: Final = (
    "Which MlflowBinding pods get whose task names none, and the page MLflow of a DAG run."
)
OPTIONS: Final[dict[str, Any]] = {
    "default_binding": {
        "description": (
            "Name of the binding for pods of KubernetesPodOperators whose label, DAG and namespace "
            "name none. Such a pod is refused where its namespace has no binding of that name."
        ),
        "version_added": "0.1.0",
        "type": "string",
        "example": "team-a",
        "default": "",
    },
    "namespace_bindings": {
        "description": "JSON object: namespace of the pods to name of their binding.",
        "version_added": "0.1.0",
        "type": "string",
        "example": '{"team-a": "team-a", "team-b": "shared"}',
        "default": None,
    },
    "executor_pods": {
        "description": (
            "Bind the worker pods of the KubernetesExecutor too, for tasks that train in the "
            "worker itself. By these settings and the pod's label; the scheduler makes the pods, "
            "and knows nothing of what a DAG says."
        ),
        "version_added": "0.1.0",
        "type": "boolean",
        "example": "True",
        "default": "False",
    },
    "page_timeout": {
        "description": (
            "Seconds that the page MLflow of a DAG run waits for a tracking server: for each "
            "request, and for counting files."
        ),
        "version_added": "0.1.0",
        "type": "float",
        "example": "10",
        "default": "3",
    },
}

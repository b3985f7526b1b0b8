"""What the kubelet asks a tracking server."""

from typing import Any

from mooring import contract
from mooring_operator.plan.connection import PORT, Connection


def probes(connection: Connection) -> dict[str, Any]:
    """Container fields: whether the server is up, serves with its database, and still lives."""
    health = {"path": "/health", "port": "http"}
    return {
        "startupProbe": {"httpGet": health, "periodSeconds": 1, "failureThreshold": 180},
        "readinessProbe": {"httpGet": _deep(connection), "periodSeconds": 5, "timeoutSeconds": 5},
        "livenessProbe": {
            "httpGet": health,
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 6,
        },
    }


def _deep(connection: Connection) -> dict[str, Any]:
    """The request that touches the database, as /health does not. Its host must be allowed."""
    host = {"name": "Host", "value": f"localhost:{PORT}"}
    if not connection.asks_for_login:
        path = "/api/2.0/mlflow/experiments/search?max_results=1"
        return {"path": path, "port": "http", "httpHeaders": [host]}
    # a password here would stand in every pod's manifest
    asks = {"name": contract.PROBE_HEADER, "value": "ready"}
    return {"path": contract.PROBE_PATH, "port": "http", "httpHeaders": [host, asks]}

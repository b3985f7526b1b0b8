"""The tracking server as a connection of Airflow, for its Kubernetes secrets backend.

The backend takes the Secret of its namespace whose label names the connection, and no label a
team: airflow/providers/cncf/kubernetes/secrets/kubernetes_secrets_backend.py.
"""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from mooring import contract

CONNECTION_LABEL: Final = "airflow.apache.org/connection-id"
VALUE_KEY: Final = "value"


def connection_value(environment: Mapping[str, str]) -> str:
    """The connection to the server of pods' `environment` as Airflow reads it, in JSON.

    Its type is that of the Airflow provider (dags/), for its MlflowHook. Its fields are those that
    HttpHook, and hooks made from it, put together again; a host with a scheme is the whole URL
    there, and what is extra are headers.
    """
    uri = urlsplit(environment[contract.TRACKING_URI])
    fields: dict[str, Any] = {"conn_type": "mlflow"}
    if uri.path:
        fields |= {"host": uri.geturl()}
    else:
        fields |= {"host": uri.hostname, "port": uri.port, "schema": uri.scheme}
    for name, field in (
        (contract.TRACKING_USERNAME, "login"),
        (contract.TRACKING_PASSWORD, "password"),
    ):
        if name in environment:
            fields[field] = environment[name]
    headers = {}
    if contract.MLFLOW_WORKSPACE in environment:
        headers[contract.MLFLOW_WORKSPACE_HEADER] = environment[contract.MLFLOW_WORKSPACE]
    if contract.TRACKING_TOKEN in environment:
        headers["Authorization"] = f"Bearer {environment[contract.TRACKING_TOKEN]}"
    return json.dumps(fields | ({"extra": headers} if headers else {}))

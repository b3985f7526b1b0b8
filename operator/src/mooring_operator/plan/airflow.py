"""The tracking server as a connection of Airflow, for its Kubernetes secrets backend.

The backend takes the Secret of its namespace whose label names the connection, and no label a
team: airflow/providers/cncf/kubernetes/secrets/kubernetes_secrets_backend.py.
"""

import json
from typing import Final
from urllib.parse import urlsplit

CONNECTION_LABEL: Final = "airflow.apache.org/connection-id"
VALUE_KEY: Final = "value"


def connection_value(tracking_uri: str) -> str:
    """The connection to the server at `tracking_uri` as Airflow reads it: of type http, in JSON.

    Its fields are those that HttpHook, and hooks made from it, put together again.
    """
    uri = urlsplit(tracking_uri)
    fields = {"conn_type": "http", "host": uri.hostname, "port": uri.port, "schema": uri.scheme}
    return json.dumps(fields)

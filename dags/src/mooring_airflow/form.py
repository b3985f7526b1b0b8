"""The connection type `mlflow`, and its form in Airflow.

No import of Airflow: it asks for this while it starts.
"""

from typing import Any, Final

CONNECTION_TYPE: Final = "mlflow"

TOKEN: Final = "token"
WORKSPACE: Final = "workspace"
VERIFY: Final = "verify"
CA_CERTIFICATES: Final = "ca_certificates"

FORM: Final[dict[str, Any]] = {
    TOKEN: {
        "label": "Bearer token",
        "description": "Sent with each request, in place of login and password.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    WORKSPACE: {
        "label": "Workspace of MLflow",
        "description": "On a tracking server that has several; empty on any other.",
        "schema": {"type": ["string", "null"]},
    },
    CA_CERTIFICATES: {
        "label": "CA certificates",
        "description": "Of a server with a private authority: its certificates as PEM.",
        "schema": {"type": ["string", "null"], "format": "multiline"},
    },
    VERIFY: {
        "label": "Verify the server's certificate",
        "schema": {"type": ["boolean", "null"], "default": True},
    },
}
"""What the form asks for besides the fields of every connection; kept in `extra`."""

FIELD_BEHAVIOUR: Final[dict[str, Any]] = {
    "hidden-fields": [],
    "relabeling": {"schema": "Scheme", "login": "User"},
    "placeholders": {
        "host": "https://mlflow.example.com/path, or a host name with scheme and port below",
        "schema": "http or https, where the host is only a name",
        "extra": '{"X-My-Header": "sent with each request"}',
    },
}

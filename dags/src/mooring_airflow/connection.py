"""A connection of Airflow as the address of a tracking server, and how to reach it.

Its fields are read as HttpHook reads them, so that the Secret which the operator publishes
(`spec.airflow.connection` of a binding) and a connection typed into Airflow's form are the same.
"""

import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mooring import contract
from mooring.finding import Finding
from mooring_airflow.errors import MooringError
from mooring_airflow.form import CA_CERTIFICATES, TOKEN, VERIFY, WORKSPACE


@dataclass(frozen=True, slots=True)
class Server:
    """A tracking server: its URL, the headers of each request, how its certificate is checked."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    verify: ssl.SSLContext | bool = True


def parse_connection(connection: Any) -> Server:
    """The server that a connection of Airflow names; MooringError when it cannot be read.

    What stands in `extra` besides the fields of the form is a header, as it is for HttpHook.
    """
    extra = dict(connection.extra_dejson)
    token, workspace = extra.pop(TOKEN, None), extra.pop(WORKSPACE, None)
    verify = _verify(connection.conn_id, extra.pop(VERIFY, None), extra.pop(CA_CERTIFICATES, None))
    headers = {key: str(value) for key, value in extra.items()}
    if token and connection.login:
        raise _unusable(connection.conn_id, "has both a login and a token: remove one of them.")
    if token:
        headers["Authorization"] = f"Bearer {token}"
    elif connection.login:
        pair = f"{connection.login}:{connection.password or ''}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    if workspace:
        headers[contract.MLFLOW_WORKSPACE_HEADER] = str(workspace)
    return Server(_url(connection), headers, verify)


def _url(connection: Any) -> str:
    host = (connection.host or "").strip().rstrip("/")
    if not host:
        raise _unusable(connection.conn_id, "has no host: write the tracking server's URL there.")
    url = host if "://" in host else f"{connection.schema or 'http'}://{host}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _unusable(
            connection.conn_id,
            f"names {url}, which is no address of a tracking server: write an http or https URL "
            "as its host, or a name as its host and http or https as its scheme.",
        )
    if connection.port and parts.port is None:
        parts = parts._replace(netloc=f"{parts.netloc}:{connection.port}")
    return parts.geturl()


def _verify(name: str, wanted: Any, certificates: str | None) -> ssl.SSLContext | bool:
    if str(wanted).lower() in ("false", "0"):
        return False
    if not certificates or not certificates.strip():
        return True
    try:
        return ssl.create_default_context(cadata=certificates)
    except ssl.SSLError as error:
        raise _unusable(
            name,
            f"has {CA_CERTIFICATES} that cannot be read ({error.reason}): paste the whole PEM, "
            "from BEGIN CERTIFICATE to END CERTIFICATE.",
        ) from None


def _unusable(name: str, what: str) -> MooringError:
    return MooringError(Finding("ConnectionUnusable", f"connection {name} {what}"))

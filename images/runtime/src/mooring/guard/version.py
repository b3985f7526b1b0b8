"""The server's version of MLflow against that of the client, where one is installed.

In the init container there is none: what the training's image has, only the in-process form sees.
"""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Final

from mooring.finding import Finding
from mooring.guard import tracking
from mooring.guard.http import Answer, Http
from mooring.guard.reasons import Reason

PATH: Final = "/version"
CLIENTS: Final = ("mlflow", "mlflow-skinny")


def server_knows_the_client(environ: Mapping[str, str], http: Http) -> Finding | None:
    """The client is of no later major version than the server.

    A client of 3 logs models by calls that a server of 2 answers with 404, so runs come without
    their model (https://github.com/mlflow/mlflow/issues/16215,
    https://github.com/Azure/azure-sdk-for-python/issues/44896). The other way round works. A server
    that tells no version is not held against it.
    """
    client = client_version()
    if client is None:
        return None
    answer = tracking.asked(environ, http, PATH)
    if not isinstance(answer, Answer) or answer.status != 200:
        return None
    found = answer.text
    if not _major(found) or _major(client) <= _major(found):
        return None
    return Finding(
        Reason.SERVER_TOO_OLD,
        f"{tracking.server(environ)} is MLflow {found}, and the client in this image is {client}: "
        "it makes calls that such a server does not know, and models would not be kept.",
        f"Have the server brought to MLflow {_major(client)}, or install an earlier client.",
    )


def client_version() -> str | None:
    """The version of MLflow that is installed, which importing it would take a second to tell."""
    if find_spec("mlflow") is None:
        return None
    for package in CLIENTS:
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    return None


def _major(text: str) -> int:
    """The first number of a version; 0 when it is none."""
    first = text.partition(".")[0]
    return int(first) if first.isdecimal() else 0

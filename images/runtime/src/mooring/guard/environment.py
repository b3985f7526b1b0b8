"""Checks of the pod's environment alone: the contract is complete, and runs would leave the pod."""

from collections.abc import Mapping
from typing import Final

from mooring import contract
from mooring.finding import Finding
from mooring.guard.http import Http
from mooring.guard.reasons import Reason
from mooring.location import shown, split

_REMOVE: Final = "Remove what sets it in the pod or its image; the binding provides it."
_BIND: Final = f"Give the pod the label {contract.BINDING_LABEL} with the name of an MlflowBinding."

_HEADERS: Final = (
    contract.TRACKING_USERNAME,
    contract.TRACKING_PASSWORD,
    contract.TRACKING_TOKEN,
    contract.MLFLOW_WORKSPACE,
)


def uri_is_remote(environ: Mapping[str, str], _http: Http) -> Finding | None:
    """MLFLOW_TRACKING_URI names an HTTP server; all else writes to the pod's own disk or fails."""
    name = contract.TRACKING_URI
    uri = environ.get(name)
    lost = "MLflow would write to a file in the pod, which is lost with it."
    if uri is None:
        return Finding(Reason.URI_MISSING, f"{name} is not set: {lost}", _BIND)
    if not uri.strip():
        return Finding(Reason.URI_EMPTY, f"{name} is empty: {lost}", _REMOVE)
    if uri != uri.strip():
        return Finding(
            Reason.URI_INVALID,
            f"{name} is {shown(uri)!r}, with white space at its ends, often the line end of a "
            "file.",
            _REMOVE,
        )
    parts = split(uri)
    if parts is None:
        return Finding(Reason.URI_INVALID, f"{name} is {shown(uri)!r}, which is no URL.", _REMOVE)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return Finding(
            Reason.URI_LOCAL,
            f"{name} is {shown(uri)!r}, which is no http or https address of a tracking server: "
            "runs would stay in the pod and be lost with it.",
            _REMOVE,
        )
    return None


def pod_is_bound(environ: Mapping[str, str], _http: Http) -> Finding | None:
    """The names that only a binding gives are there."""
    needed = (contract.WORKSPACE, contract.BINDING, contract.ARTIFACT_ROOT)
    missing = [name for name in needed if not environ.get(name)]
    if not missing:
        return None
    return Finding(
        Reason.NOT_BOUND,
        f"{', '.join(missing)} not set: this pod was not given an MlflowBinding, so nobody knows "
        "where its artifacts belong.",
        _BIND,
    )


def uri_is_the_bindings(environ: Mapping[str, str], _http: Http) -> Finding | None:
    """Nothing has put another server in the place of the binding's since the pod was made.

    Where servers keep artifacts for their clients, all of them name the same artifact root, and no
    answer of a server would show it.
    """
    bound, uri = environ.get(contract.BOUND_URI, ""), environ[contract.TRACKING_URI]
    if not bound or bound.rstrip("/") == uri.rstrip("/"):
        return None
    return Finding(
        Reason.URI_FOREIGN,
        f"{contract.TRACKING_URI} is {shown(uri)!r}, and the binding {environ[contract.BINDING]} "
        f"gave {shown(bound)!r}: runs would go to another server.",
        _REMOVE,
    )


def login_fits_a_header(environ: Mapping[str, str], _http: Http) -> Finding | None:
    """What goes into headers has no line end: MLflow's client could not send it either."""
    for name in _HEADERS:
        if any(mark in environ.get(name, "") for mark in "\r\n"):
            return Finding(
                Reason.LOGIN_INVALID,
                f"{name} has a line end in it, often that of a file: no request can carry it.",
                "Write its value in the Secret of the binding, or of the workspace's "
                "server.external, without one.",
            )
    return None

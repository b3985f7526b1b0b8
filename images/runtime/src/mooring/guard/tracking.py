"""Checks of the tracking server: that there is one, and that it is this workspace's own."""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from urllib3.util import make_headers

from mooring import contract
from mooring.finding import Finding
from mooring.guard.http import Answer, Failure, Http
from mooring.location import lies_under

SERVER_PATIENCE_S: Final = 60.0
"""A Service answers about a second after its pods are ready; a server may still be starting."""

SEARCH: Final = "/api/2.0/mlflow/experiments/search?max_results=1"
"""Asks the database, unlike /health, which stays at 200 while PostgreSQL is down."""

DEFAULT_EXPERIMENT: Final = "/api/2.0/mlflow/experiments/get?experiment_id=0"
EXPECTED: Final = frozenset({"RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"})
TRANSIENT: Final = frozenset({429, 500, 502, 503, 504})
CREATE: Final = "/api/2.0/mlflow/experiments/create"
BY_NAME: Final = "/api/2.0/mlflow/experiments/get-by-name?experiment_name="


def uri_is_remote(environ: Mapping[str, str], _http: Http) -> Finding | None:
    """MLFLOW_TRACKING_URI names an HTTP server; all else writes to the pod's own disk or fails."""
    name = contract.TRACKING_URI
    uri = environ.get(name)
    way_out = "Remove what sets it in the pod or its image; the binding provides it."
    if uri is None:
        return Finding(
            "TrackingUriMissing",
            f"{name} is not set: MLflow would write to a file in "
            f"the pod, which is lost with it. Give the pod the label "
            f"{contract.BINDING_LABEL} with the name of an MlflowBinding.",
        )
    if not uri.strip():
        return Finding(
            "TrackingUriEmpty",
            f"{name} is empty: MLflow would write to a file in the "
            f"pod, which is lost with it. {way_out}",
        )
    if uri != uri.strip():
        return Finding(
            "TrackingUriInvalid",
            f"{name} is {uri!r}, with white space at its ends, "
            f"often the line end of a file. {way_out}",
        )
    parts = urlsplit(uri)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return Finding(
            "TrackingUriLocal",
            f"{name} is {_shown(uri)!r}, which is no http or https "
            f"address of a tracking server: runs would stay in the pod and be lost "
            f"with it. {way_out}",
        )
    return None


def pod_is_bound(environ: Mapping[str, str], _http: Http) -> Finding | None:
    """The names that only a binding gives are there."""
    needed = (contract.WORKSPACE, contract.BINDING, contract.ARTIFACT_ROOT)
    missing = [name for name in needed if not environ.get(name)]
    if not missing:
        return None
    return Finding(
        "NotBound",
        f"{', '.join(missing)} not set: this pod was not given an "
        f"MlflowBinding, so nobody knows where its artifacts belong. Give it the label "
        f"{contract.BINDING_LABEL} with the name of an MlflowBinding.",
    )


def server_answers(environ: Mapping[str, str], http: Http) -> Finding | None:
    """The tracking server answers a request that reaches its database."""
    found = _ask(environ, http, SEARCH)
    return found if isinstance(found, Finding) else None


def server_is_the_workspaces(environ: Mapping[str, str], http: Http) -> Finding | None:
    """The server's default experiment lies under the workspace's artifact root.

    A server of somebody else may have none, or an old one: there the pod's own has to do.
    """
    if environ.get(contract.SERVER) == contract.SERVER_EXTERNAL:
        return None
    found = _ask(environ, http, DEFAULT_EXPERIMENT)
    if isinstance(found, Finding):
        return found
    location, root = _location(found), environ[contract.ARTIFACT_ROOT]
    if lies_under(location, root):
        return None
    return Finding(
        "WrongServer",
        f"{server(environ)} keeps the artifacts of its default "
        f"experiment at {location or 'an unknown place'}, not under {root}: it is not "
        f"the server of workspace {environ[contract.WORKSPACE]}, or its artifact root "
        f"was changed. {look(environ)}",
    )


def experiment_is_the_workspaces(environ: Mapping[str, str], http: Http) -> Finding | None:
    """The experiment of MLFLOW_EXPERIMENT_NAME is there, and lies under the artifact root.

    The location is fixed when an experiment is made; a wrong one sends artifacts elsewhere while
    every run still says FINISHED. It is made here, because MLflow's client looks for it and then
    makes it: of parallel pods all but one would fail, with autolog only by a warning.
    """
    name = environ.get(contract.EXPERIMENT_NAME)
    if not name:
        return None
    by_name = BY_NAME + quote(name, safe="")
    found = _ask(environ, http, by_name)
    if not found:
        made = _ask(environ, http, CREATE, {"name": name})
        found = made if isinstance(made, Finding) else _ask(environ, http, by_name)
    if isinstance(found, Finding):
        return found
    location, root = _location(found), environ[contract.ARTIFACT_ROOT]
    if lies_under(location, root):
        return None
    return Finding(
        "ExperimentElsewhere",
        f"the experiment {name!r} of {server(environ)} keeps "
        f"its artifacts at {location or 'an unknown place'}, not under {root}, and that cannot be "
        f"changed: rename or delete it, or set {contract.EXPERIMENT_NAME} to another one."
        f"{_root_of_an_external_server(environ)}",
    )


def _root_of_an_external_server(environ: Mapping[str, str]) -> str:
    """What else may be wrong where the server decides about places, and the operator was told."""
    if environ.get(contract.SERVER) != contract.SERVER_EXTERNAL:
        return ""
    return (
        " If the server puts every new experiment there, make the workspace anew with "
        f"artifactAccess and artifactStore as the server has it. {look(environ)}"
    )


def experiment_location(environ: Mapping[str, str], http: Http) -> str | Finding:
    """Where the pod's experiment keeps its artifacts, which `experiment_is_the_workspaces` made."""
    name = environ.get(contract.EXPERIMENT_NAME)
    found = _ask(environ, http, BY_NAME + quote(name, safe="") if name else DEFAULT_EXPERIMENT)
    return found if isinstance(found, Finding) else _location(found)


def login(environ: Mapping[str, str]) -> dict[str, str]:
    """The headers by which the server knows this pod and MLflow's workspace, as its client's."""
    user = environ.get(contract.TRACKING_USERNAME)
    password = environ.get(contract.TRACKING_PASSWORD)
    token, inside = environ.get(contract.TRACKING_TOKEN), environ.get(contract.MLFLOW_WORKSPACE)
    headers = {contract.MLFLOW_WORKSPACE_HEADER: inside} if inside else {}
    if user and password:
        return headers | make_headers(basic_auth=f"{user}:{password}")
    return headers | ({"authorization": f"Bearer {token}"} if token else {})


def _ask(
    environ: Mapping[str, str], http: Http, path: str, body: Mapping[str, str] | None = None
) -> dict[str, Any] | Finding:
    """The server's answer to a GET, or with `body` to a POST; a finding when it is no answer.

    {} when it knows no such object, or has it already.
    """
    answer = http.request(
        "POST" if body else "GET",
        environ[contract.TRACKING_URI].rstrip("/") + path,
        headers={**login(environ), "content-type": "application/json"},
        body=json.dumps(body).encode() if body else None,
        ca_file=environ.get(contract.TRACKING_CERT_PATH, ""),
    )
    if isinstance(answer, Failure):
        return no_answer(environ, answer)
    found = _json(answer)
    if answer.status == 200 and found is not None:
        return found
    if found and found.get("error_code") in EXPECTED:
        return {}
    return refusal(environ, answer)


def no_answer(environ: Mapping[str, str], failure: Failure) -> Finding:
    """Why the server gave no answer."""
    here = server(environ)
    if failure.lasting:
        return Finding(
            "ServerUnreachable",
            f"{here} cannot be asked: {failure.what}. Check the "
            f"file that {contract.TRACKING_CERT_PATH} names.",
        )
    return Finding(
        "ServerUnreachable",
        f"{here} cannot be reached: {failure.what}. {look(environ)}",
        SERVER_PATIENCE_S,
    )


def refusal(environ: Mapping[str, str], answer: Answer) -> Finding:
    """Why the server's answer is not the one that was asked for."""
    here = server(environ)
    if answer.status == 403 and "Invalid Host" in answer.text:
        host = urlsplit(environ[contract.TRACKING_URI]).netloc
        return Finding(
            "HostRefused",
            f"{here} refuses the host name {host}: it is not among its "
            "--allowed-hosts. Use the address that the binding gives.",
        )
    if answer.status in {401, 403}:
        return _login_refused(environ, answer.status)
    if answer.status in TRANSIENT:
        return Finding(
            "ServerNotReady",
            f"{here} answers HTTP {answer.status}: {answer.text} {look(environ)}",
            SERVER_PATIENCE_S,
        )
    return Finding(
        "NotAnMlflowServer",
        f"{here} does not answer as MLflow does (HTTP "
        f"{answer.status}: {answer.text}): check host, port and path of "
        f"{contract.TRACKING_URI}.",
    )


def _login_refused(environ: Mapping[str, str], status: int) -> Finding:
    user = environ.get(contract.TRACKING_USERNAME)
    if status == 401 and "authorization" not in login(environ):
        found = "asks for a login, and this pod has none: it was made before the server asked"
    else:
        of = f"the login of {user!r}" if user else "this pod's login"
        found = (
            f"refuses {of} (HTTP {status}): the pod's {contract.TRACKING_USERNAME} and "
            f"{contract.TRACKING_PASSWORD}, or {contract.TRACKING_TOKEN}, are not, or are no "
            "longer, those in the Secret of its binding"
        )
    return Finding(
        "LoginRefused",
        f"{server(environ)} {found}. Make the pod anew, so that it gets the binding's. "
        f"{look(environ)}",
    )


def _location(found: Mapping[str, Any]) -> str:
    return str((found.get("experiment") or {}).get("artifact_location", ""))


def _json(answer: Answer) -> dict[str, Any] | None:
    try:
        found = json.loads(answer.body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def server(environ: Mapping[str, str]) -> str:
    """The server in words, without the login that its URI may carry."""
    return f"the tracking server {_shown(environ[contract.TRACKING_URI])}"


def look(environ: Mapping[str, str]) -> str:
    """Where a person sees more."""
    namespace, _, name = environ.get(contract.WORKSPACE, "").partition("/")
    return f"See: kubectl describe mlflowworkspace {name} -n {namespace}"


def _shown(uri: str) -> str:
    """`uri` without the login that it may carry."""
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", "")) if "@" in parts.netloc else uri

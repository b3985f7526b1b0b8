"""Checks of the tracking server: that there is one, and that it is this workspace's own."""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from urllib3.util import make_headers

from mooring import contract
from mooring.finding import Finding
from mooring.guard import clock
from mooring.guard.http import Answer, Failure, Http
from mooring.guard.reasons import Reason
from mooring.location import lies_under, shown

NODE_NETWORK: Final = "A pod with hostNetwork needs dnsPolicy: ClusterFirstWithHostNet. "
"""Without it, such a pod asks the DNS of its node, which knows no Service of the cluster."""

SERVER_PATIENCE_S: Final = 60.0
"""A Service answers about a second after its pods are ready; a server may still be starting."""

SEARCH: Final = "/api/2.0/mlflow/experiments/search?max_results=1"
"""Asks the database, unlike /health, which stays at 200 while PostgreSQL is down."""

DEFAULT_EXPERIMENT: Final = "/api/2.0/mlflow/experiments/get?experiment_id=0"
EXPECTED: Final = frozenset({"RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"})
TRANSIENT: Final = frozenset({429, 500, 502, 503, 504})


def server_answers(environ: Mapping[str, str], http: Http) -> Finding | None:
    """The tracking server answers a request that reaches its database, and agrees on the time."""
    answer = asked(environ, http, SEARCH)
    if isinstance(answer, Finding):
        return answer
    found = _understood(environ, answer)
    if isinstance(found, Finding):
        return found
    return clock.disagreement(server(environ), answer.ahead_s)


def server_is_the_workspaces(environ: Mapping[str, str], http: Http) -> Finding | None:
    """The server's default experiment lies under the workspace's artifact root.

    A server of somebody else may have none, or an old one: there the pod's own has to do.
    """
    if environ.get(contract.SERVER) == contract.SERVER_EXTERNAL:
        return None
    found = ask(environ, http, DEFAULT_EXPERIMENT)
    if isinstance(found, Finding):
        return found
    location, root = location_of(found), environ[contract.ARTIFACT_ROOT]
    if lies_under(location, root):
        return None
    return Finding(
        Reason.WRONG_SERVER,
        f"{server(environ)} keeps the artifacts of its default experiment at "
        f"{location or 'an unknown place'}, not under {root}: it is not the server of workspace "
        f"{environ[contract.WORKSPACE]}, or its artifact root was changed.",
        look(environ),
    )


def login(environ: Mapping[str, str]) -> dict[str, str]:
    """The headers by which the server knows this pod and MLflow's workspace, as its client's."""
    user = environ.get(contract.TRACKING_USERNAME)
    password = environ.get(contract.TRACKING_PASSWORD)
    token, inside = environ.get(contract.TRACKING_TOKEN), environ.get(contract.MLFLOW_WORKSPACE)
    headers = {contract.MLFLOW_WORKSPACE_HEADER: inside} if inside else {}
    if user and password:
        return headers | make_headers(basic_auth=f"{user}:{password}")
    return headers | ({"authorization": f"Bearer {token}"} if token else {})


def ask(
    environ: Mapping[str, str], http: Http, path: str, body: Mapping[str, str] | None = None
) -> dict[str, Any] | Finding:
    """The server's answer to a GET, or with `body` to a POST; a finding when it is no answer.

    {} when it knows no such object, or has it already.
    """
    answer = asked(environ, http, path, body)
    return answer if isinstance(answer, Finding) else _understood(environ, answer)


def asked(
    environ: Mapping[str, str], http: Http, path: str, body: Mapping[str, str] | None = None
) -> Answer | Finding:
    """What the server says to a GET, or with `body` to a POST, whatever it is."""
    answer = http.request(
        "POST" if body else "GET",
        environ[contract.TRACKING_URI].rstrip("/") + path,
        headers={**login(environ), "content-type": "application/json"},
        body=json.dumps(body).encode() if body else None,
        ca_file=environ.get(contract.TRACKING_CERT_PATH, ""),
    )
    return no_answer(environ, answer) if isinstance(answer, Failure) else answer


def _understood(environ: Mapping[str, str], answer: Answer) -> dict[str, Any] | Finding:
    found = _json(answer)
    if answer.status == 200 and found is not None:
        return found
    if found and found.get("error_code") in EXPECTED:
        return {}
    return refusal(environ, answer)


def no_answer(environ: Mapping[str, str], failure: Failure) -> Finding:
    """Why the server gave no answer."""
    here = server(environ)
    if failure.stage == "trust":
        return Finding(
            Reason.SERVER_UNTRUSTED,
            f"{here} cannot be asked: {failure.what}.",
            f"Check the file that {contract.TRACKING_CERT_PATH} names, and the clock of the node.",
        )
    if failure.stage == "proxy":
        return Finding(
            Reason.PROXY_FAILS,
            f"{here} cannot be reached: {failure.what}.",
            failure.remedy,
            0 if failure.lasting else SERVER_PATIENCE_S,
        )
    unknown = failure.stage == "name"
    return Finding(
        Reason.SERVER_NAME_UNKNOWN if unknown else Reason.SERVER_UNREACHABLE,
        f"{here} cannot be reached: {failure.what}.",
        f"{NODE_NETWORK if unknown else ''}{look(environ)}",
        0 if failure.lasting else SERVER_PATIENCE_S,
    )


def refusal(environ: Mapping[str, str], answer: Answer) -> Finding:
    """Why the server's answer is not the one that was asked for."""
    here = server(environ)
    if answer.status == 403 and "Invalid Host" in answer.text:
        host = urlsplit(environ[contract.TRACKING_URI]).netloc.rpartition("@")[2]
        return Finding(
            Reason.HOST_REFUSED,
            f"{here} refuses the host name {host}: it is not among its --allowed-hosts.",
            "Use the address that the binding gives.",
        )
    if answer.status in {401, 403}:
        return _login_refused(environ, answer.status)
    if answer.status in TRANSIENT:
        return Finding(
            Reason.SERVER_NOT_READY,
            f"{here} answers HTTP {answer.status}: {answer.text}.",
            look(environ),
            SERVER_PATIENCE_S,
        )
    return Finding(
        Reason.NOT_MLFLOW,
        f"{here} does not answer as MLflow does (HTTP {answer.status}: {answer.text}).",
        f"Check host, port and path of {contract.TRACKING_URI}.",
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
        Reason.LOGIN_REFUSED,
        f"{server(environ)} {found}.",
        f"Make the pod anew, so that it gets the binding's. {look(environ)}",
    )


def location_of(found: Mapping[str, Any]) -> str:
    """Where the experiment of an answer keeps its artifacts; empty where that has none."""
    return str((found.get("experiment") or {}).get("artifact_location", ""))


def _json(answer: Answer) -> dict[str, Any] | None:
    try:
        found = json.loads(answer.body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def server(environ: Mapping[str, str]) -> str:
    """The server in words, without the login that its URI may carry."""
    return f"the tracking server {shown(environ[contract.TRACKING_URI])}"


def look(environ: Mapping[str, str]) -> str:
    """Where a person sees more."""
    namespace, _, name = environ.get(contract.WORKSPACE, "").partition("/")
    return f"See: kubectl describe mlflowworkspace {name} -n {namespace}"

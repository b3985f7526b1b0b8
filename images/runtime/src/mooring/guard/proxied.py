"""The round trip through a tracking server that keeps the artifacts for its clients."""

import uuid
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlsplit

from mooring import contract
from mooring.finding import Finding
from mooring.guard import explain, tracking
from mooring.guard.http import Failure, Http
from mooring.guard.reasons import Reason

ARTIFACTS: Final = "/api/2.0/mlflow-artifacts/artifacts"
PROBE: Final = "probe"


def round_trip(environ: Mapping[str, str], http: Http, folder: str) -> Finding | None:
    """Put one file into `folder` of the pod's experiment, read it back, list it, delete it.

    Below an experiment, because a server with a login decides by the experiment of the path. A
    binding of another namespace may log to experiments that it may not delete in: there the 16
    bytes stay.
    """
    location = tracking.experiment_location(environ, http)
    if isinstance(location, Finding):
        return location
    inside = urlsplit(location).path.strip("/")
    # a folder of its own: what such bindings leave would make one list longer with every pod
    place = "/".join(filter(None, (inside, folder, f"guard-{uuid.uuid4().hex}")))
    path = f"{place}/{PROBE}"
    content = uuid.uuid4().bytes
    try:
        _call(environ, http, "PUT", path, content)
        found = _call(environ, http, "GET", path)
        listed = _call(environ, http, "LIST", place)
        _call(environ, http, "DELETE", place, denied=True)
    except explain.Refusal as refused:
        return refused.finding
    if found != content:
        return explain.corrupts(tracking.server(environ), path, len(found), len(content))
    if PROBE.encode() not in listed:
        return explain.lists_nothing(tracking.server(environ), path)
    return None


def _call(
    environ: Mapping[str, str],
    http: Http,
    method: str,
    path: str,
    content: bytes | None = None,
    *,
    denied: bool = False,
) -> bytes:
    """Make one request and return the body of the answer; Refusal when there is none.

    With `denied`, a login that is known and has no right to this is no refusal.
    """
    lists = method == "LIST"
    place = f"?path={quote(path, safe='')}" if lists else f"/{quote(path)}"
    answer = http.request(
        "GET" if lists else method,
        environ[contract.TRACKING_URI].rstrip("/") + ARTIFACTS + place,
        headers={**tracking.login(environ), "content-type": "application/octet-stream"},
        body=content,
        ca_file=environ.get(contract.TRACKING_CERT_PATH, ""),
    )
    if isinstance(answer, Failure):
        raise explain.Refusal(tracking.no_answer(environ, answer))
    if answer.status >= 500:
        raise explain.Refusal(
            Finding(
                Reason.STORE_REFUSED,
                f"{tracking.server(environ)} answers {method} of the artifact {path} with HTTP "
                f"{answer.status} ({answer.text}): the store behind it refuses or does not answer.",
                f"The server's log says why. {tracking.look(environ)}",
                explain.UNAVAILABLE_PATIENCE_S,
            )
        )
    if answer.status >= 300 and not (denied and answer.status == 403):
        raise explain.Refusal(tracking.refusal(environ, answer))
    return answer.body

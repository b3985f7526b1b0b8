"""The round trip through a tracking server that keeps the artifacts for its clients."""

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Final
from urllib.parse import quote, urlsplit

from mooring import contract
from mooring.finding import Finding
from mooring.guard import experiment, explain, probe, tracking
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
    location = experiment.experiment_location(environ, http)
    if isinstance(location, Finding):
        return location
    inside = urlsplit(location).path.strip("/")
    # a folder of its own: what such bindings leave would make one list longer with every pod
    place = "/".join(filter(None, (inside, folder, f"guard-{uuid.uuid4().hex}")))
    call = partial(_call, environ, http)
    try:
        return probe.round_trip(call, tracking.server(environ), f"{place}/{PROBE}")
    except explain.Refusal as refused:
        return refused.finding


def _call(
    environ: Mapping[str, str], http: Http, method: str, path: str, content: bytes = b""
) -> bytes:
    """Make one request and return the body of the answer; Refusal when there is none.

    LIST and DELETE are of the folder of `path`. A login that is known and has no right to delete is
    no refusal.
    """
    folder = path.rpartition("/")[0]
    places = {"LIST": f"?path={quote(folder, safe='')}", "DELETE": f"/{quote(folder)}"}
    answer = http.request(
        "GET" if method == "LIST" else method,
        environ[contract.TRACKING_URI].rstrip("/")
        + ARTIFACTS
        + places.get(method, f"/{quote(path)}"),
        headers={**tracking.login(environ), "content-type": "application/octet-stream"},
        body=content or None,
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
    if answer.status >= 300 and (method, answer.status) != ("DELETE", 403):
        raise explain.Refusal(tracking.refusal(environ, answer))
    return answer.body

"""Asking a tracking server for a run, and reading back what it logged."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import HTTPError

from mooring import contract
from mooring.cli.cluster import NoCluster, NotThere
from mooring.cli.doctor.facts import blanked
from mooring.cli.verify.evidence import Evidence, File, Part
from mooring.guard.http import failure, public_authorities
from mooring.guard.tracking import login, server

Json = dict[str, Any]

API: Final = "/api/2.0/mlflow"
MODEL_FILES: Final = "/ajax-api/2.0/mlflow/logged-models"
READ_TIMEOUT_S: Final = 300.0
"""A server fetches a large file whole before the first byte of it comes."""

CHUNK: Final = 1024 * 1024


class _Refused(Exception):
    """The server answered with an error; the text is its status and sentence."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where artifacts are listed and read: from the path of a folder, or of a file, to a URL."""

    name: str
    status: str
    folder: Callable[[str], str]
    content: Callable[[str], str]


class Tracking:
    """A tracking server, reached as a pod with `environ` reaches it. Raises NoCluster."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._http = urllib3.PoolManager(
            ca_certs=environ.get(contract.TRACKING_CERT_PATH) or public_authorities(),
            timeout=urllib3.Timeout(connect=5.0, read=READ_TIMEOUT_S),
            retries=False,
        )

    def evidence(self, run_id: str, *, digests: bool) -> Evidence:
        """The run with all files that it and its models have, read back with `digests`.

        Raises NotThere when the server knows no such run, or does not let it be seen.
        """
        try:
            info = self._json(f"{API}/runs/get?{urlencode({'run_id': run_id})}")["run"]["info"]
        except _Refused as refused:
            told = f"{server(self._environ)} does not show run {run_id}: {refused}"
            raise NotThere(told) from None
        places = [_of_run(run_id), *self._models(run_id, info["experiment_id"])]
        parts = tuple(self._part(place, digests=digests) for place in places)
        return Evidence(run_id, info["status"], info["artifact_uri"], parts)

    def _models(self, run_id: str, experiment_id: str) -> Iterator[_Place]:
        """The models that the run logged."""
        token = ""
        while True:
            wanted = {
                "experiment_ids": [experiment_id],
                "filter": f"source_run_id = '{run_id}'",
                **({"page_token": token} if token else {}),
            }
            found = self._json(f"{API}/logged-models/search", wanted)
            for model in found.get("models", []):
                yield _of_model(model["info"])
            token = found.get("next_page_token", "")
            if not token:
                return

    def _part(self, place: _Place, *, digests: bool) -> Part:
        try:
            listed = list(self._listed(place, ""))
        except _Refused as refused:
            return Part(place.name, place.status, (), str(refused))
        files = tuple(self._read(place, file) if digests else file for file in listed)
        return Part(place.name, place.status, files)

    def _listed(self, place: _Place, folder: str) -> Iterator[File]:
        for entry in self._json(place.folder(folder)).get("files", []):
            if entry.get("is_dir"):
                yield from self._listed(place, entry["path"])
            else:
                size = entry.get("file_size")
                yield File(entry["path"], None if size is None else int(size))

    def _read(self, place: _Place, file: File) -> File:
        """The file with what came back of it, piece by piece: it may be larger than memory."""
        digest, read = hashlib.sha256(), 0
        try:
            answer = self._ask(place.content(file.path))
            for piece in answer.stream(CHUNK):
                digest.update(piece)
                read += len(piece)
        except (_Refused, HTTPError) as error:
            said = str(error) if isinstance(error, _Refused) else type(error).__name__
            return File(file.path, file.size, error=f"{said}.")
        return File(file.path, file.size, read, digest.hexdigest())

    def _json(self, path: str, body: Json | None = None) -> Json:
        answer = self._ask(path, body)
        try:
            found: Json = json.loads(answer.data)
        except ValueError:
            raise NoCluster(f"{server(self._environ)} does not answer as MLflow does") from None
        return found

    def _ask(self, path: str, body: Json | None = None) -> urllib3.BaseHTTPResponse:
        url = self._environ[contract.TRACKING_URI].rstrip("/") + path
        try:
            answer = self._http.request(
                "POST" if body else "GET",
                url,
                headers={**login(self._environ), "content-type": "application/json"},
                body=json.dumps(body) if body else None,
                preload_content=False,
            )
        except (HTTPError, OSError) as error:
            told = failure(error, url).what
            raise NoCluster(f"{server(self._environ)} cannot be asked: {told}") from None
        if answer.status in {401, 403}:
            raise NoCluster(
                f"{server(self._environ)} does not let you in (HTTP {answer.status}): set "
                f"{contract.TRACKING_USERNAME} and {contract.TRACKING_PASSWORD}"
            )
        if answer.status != 200:
            raise _Refused(f"HTTP {answer.status}, {_said(answer.data)}")
        return answer


def _of_run(run_id: str) -> _Place:
    return _Place(
        "the run",
        "",
        lambda folder: _url(f"{API}/artifacts/list", run_id=run_id, path=folder),
        lambda file: _url("/get-artifact", run_uuid=run_id, path=file),
    )


def _of_model(info: Json) -> _Place:
    model = info["model_id"]
    return _Place(
        f"model {info.get('name', model)}",
        info["status"],
        lambda folder: _url(
            f"{API}/logged-models/{model}/artifacts/directories", artifact_directory_path=folder
        ),
        lambda file: _url(f"{MODEL_FILES}/{model}/artifacts/files", artifact_file_path=file),
    )


def _url(place: str, /, **query: str) -> str:
    given = {name: value for name, value in query.items() if value}
    return f"{place}?{urlencode(given)}" if given else place


def _said(body: bytes) -> str:
    """MLflow's sentence in an error answer, cut; nothing where there is none."""
    try:
        return blanked(" ".join(str(json.loads(body)["message"]).split())[:300])
    except (ValueError, KeyError, TypeError):
        return "without a sentence"

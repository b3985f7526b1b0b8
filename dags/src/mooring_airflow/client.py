"""What tasks on the worker ask of a tracking server: runs, logged models, the model registry.

The worker has no MLflow: this is its REST API (mlflow.org: rest-api), over `Tracking`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import quote

import httpx

from mooring.finding import Finding
from mooring_airflow.binding import Binding
from mooring_airflow.errors import MooringError
from mooring_airflow.evidence import Model, Run, finite
from mooring_airflow.tracking import API, TRANSIENT, Json, Tracking, quoted, said

MODELS: Final = "models:/"
MISSING: Final = "RESOURCE_DOES_NOT_EXIST"
EXISTS: Final = "RESOURCE_ALREADY_EXISTS"
UNREACHABLE: Final = "ServerUnreachable"
"""Reason of the finding that says so; what else is found does not pass by itself."""
NO_SUCH_ALIAS: Final = "INVALID_PARAMETER_VALUE"
"""What the server answers for an alias that its registered model does not have."""


class ServerRefused(MooringError):
    """The tracking server answered with an error; `code` is MLflow's name for it."""

    def __init__(self, url: str, answer: httpx.Response) -> None:
        super().__init__(
            Finding(
                UNREACHABLE if answer.status_code in TRANSIENT else "ServerRefused",
                f"the tracking server {url} answered HTTP {answer.status_code}: {said(answer)}",
            )
        )
        self.code = _code(answer)


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version of a registered model; `model_id` is empty for one of no logged model.

    `url` is its page on the tracking server.
    """

    name: str
    version: str
    run_id: str
    source: str
    status: str
    url: str
    tags: Mapping[str, str]

    @classmethod
    def of(cls, found: Json, server: str) -> "ModelVersion":
        """Read a model version of the REST API of the MLflow at `server`."""
        name, version = found["name"], str(found["version"])
        return cls(
            name=name,
            version=version,
            url=f"{server}/#/models/{quote(name, safe='')}/versions/{version}",
            run_id=found.get("run_id", ""),
            source=found.get("source", ""),
            status=found.get("status", ""),
            tags={tag["key"]: tag["value"] for tag in found.get("tags", [])},
        )

    @property
    def model_id(self) -> str:
        """The logged model that was registered: MLflow 3 keeps it in the source alone."""
        return logged_model_id(self.source) or ""

    @property
    def uri(self) -> str:
        """The URI that `mlflow.<flavour>.load_model` takes."""
        return f"{MODELS}{self.name}/{self.version}"


def logged_model_id(uri: str) -> str | None:
    """The id in `models:/m-…`, the URI of a logged model; None for any other."""
    name = uri.removeprefix(MODELS)
    return name if uri.startswith(f"{MODELS}m-") and "/" not in name else None


class MlflowClient(Tracking):
    """A tracking server, asked for what its users ask; raises MooringError.

    `pages` is where people open its pages, where that is not the URL that tasks use.
    """

    def __init__(self, *server: Any, pages: str = "", **how: Any) -> None:
        super().__init__(*server, **how)
        self.pages = pages or self.url

    @classmethod
    def of(cls, binding: Binding, patience: float) -> Self:
        """The tracking server of a binding, with its pages where people open them."""
        return cls(binding.url, patience, binding.login, binding.headers, pages=binding.pages)

    def get_run(self, run_id: str) -> Run:
        """A run with its tags and the last values of its metrics."""
        return Run.of(self._get("/runs/get", run_id=run_id)["run"])

    def search_runs(
        self,
        experiments: Sequence[str] = (),
        filter_string: str = "",
        order_by: Sequence[str] = ("attributes.start_time DESC",),
        max_results: int = 100,
    ) -> list[Run]:
        """At most `max_results` runs of the experiments of these names, of all without any."""
        with self._told():
            ids = [self._experiment(name) for name in experiments] or self.experiments()
        body = {
            "experiment_ids": ids,
            "filter": filter_string,
            "order_by": list(order_by),
            "max_results": max_results,
        }
        return [Run.of(found) for found in self._post("/runs/search", body).get("runs", [])]

    def get_logged_model(self, model_id: str) -> tuple[Model, dict[str, float | None]]:
        """A logged model, and the last values of its own metrics."""
        found = self._get(f"/logged-models/{model_id}")["model"]
        metrics = sorted(found.get("data", {}).get("metrics", []), key=_when)
        return Model.of(found), {m["key"]: finite(m["value"]) for m in metrics}

    def get_model_version(self, name: str, version: str) -> ModelVersion | None:
        """A version of a registered model; None where there is none of that number."""
        try:
            found = self._get("/model-versions/get", name=name, version=version)
        except ServerRefused as error:
            if error.code == MISSING:
                return None
            raise
        return ModelVersion.of(found["model_version"], self.pages)

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion | None:
        """The version that holds `alias`; None where none does, or the model does not exist."""
        try:
            found = self._get("/registered-models/alias", name=name, alias=alias)
        except ServerRefused as error:
            if error.code in (MISSING, NO_SUCH_ALIAS):
                return None
            raise
        return ModelVersion.of(found["model_version"], self.pages)

    def get_latest_version(self, name: str) -> ModelVersion | None:
        """The version of the highest number; None where there is none."""
        found = self.search_model_versions(f"name = {quoted(name)}", max_results=1)
        return next(iter(found), None)

    def search_model_versions(
        self, filter_string: str = "", max_results: int = 100
    ) -> list[ModelVersion]:
        """At most `max_results` versions, the highest numbers first."""
        found = self._get(
            "/model-versions/search",
            filter=filter_string,
            order_by="version_number DESC",
            max_results=max_results,
        )
        return [ModelVersion.of(version, self.pages) for version in found.get("model_versions", [])]

    def register(self, name: str, model_id: str, tags: Mapping[str, str]) -> ModelVersion:
        """The version of registered model `name` that is this logged model; made where missing.

        Asked twice, by a retry or because an answer was lost, it gives the same version.
        """
        try:
            self._post("/registered-models/create", {"name": name})
        except ServerRefused as error:
            if error.code != EXISTS:
                raise
        source = MODELS + model_id
        same = f"name = {quoted(name)} AND source_path = {quoted(source)}"
        pairs = [{"key": key, "value": value} for key, value in tags.items()]
        body = {"name": name, "source": source, "model_id": model_id, "tags": pairs}

        def once() -> ModelVersion:
            for version in self.search_model_versions(same, max_results=1):
                return version
            # Not by _call: what it tries again could have been done the first time.
            answer = self._http.post(f"{API}/model-versions/create", json=body)
            answer.raise_for_status()
            return ModelVersion.of(answer.json()["model_version"], self.pages)

        with self._told():
            return self._retrying(once)

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Let `alias` name `version`, whichever it named before."""
        self._post("/registered-models/alias", {"name": name, "alias": alias, "version": version})

    def delete_alias(self, name: str, alias: str) -> None:
        """Take `alias` away."""
        with self._told():
            body = {"name": name, "alias": alias}
            self._call("DELETE", f"{API}/registered-models/alias", json=body)

    def set_version_tag(self, version: ModelVersion, key: str, value: str) -> None:
        """Set one tag of a model version."""
        body = {"name": version.name, "version": version.version, "key": key, "value": value}
        self._post("/model-versions/set-tag", body)

    def server_version(self) -> str:
        """The version of MLflow that the server runs; also proves that it lets the caller in."""
        with self._told():
            self._call("POST", f"{API}/experiments/search", json={"max_results": 1})
            answer = self._http.get("/version")
            answer.raise_for_status()
            return answer.text.strip()

    def _experiment(self, name: str) -> str:
        found = self._get("/experiments/get-by-name", experiment_name=name)
        return str(found["experiment"]["experiment_id"])

    def _get(self, path: str, **query: Any) -> Json:
        with self._told():
            return self._call("GET", API + path, params=query)

    def _post(self, path: str, body: Json) -> Json:
        with self._told():
            return self._call("POST", API + path, json=body)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Give the errors of httpx the words of a finding."""
        try:
            yield
        except httpx.HTTPStatusError as error:
            raise ServerRefused(self.url, error.response) from None
        except ValueError as error:
            raise MooringError(
                Finding(
                    "NoTrackingServer",
                    f"{self.url} answered, but not with JSON as MLflow does: it is the address of "
                    "something else, or of a page to log in.",
                )
            ) from error
        except httpx.HTTPError as error:
            raise MooringError(
                Finding(
                    UNREACHABLE,
                    f"the tracking server {self.url} could not be asked "
                    f"({type(error).__name__}: {error})",
                )
            ) from error


def _when(metric: Json) -> tuple[int, int]:
    return int(metric.get("step", 0)), int(metric["timestamp"])


def _code(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error_code"])
    except (ValueError, KeyError, TypeError):
        return ""

"""The tracking server's REST API, as far as verification needs it.

The worker has no MLflow and no credential for the store: the server lists and streams artifacts.
"""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import TracebackType
from typing import Any, Final, Self

import httpx
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential

from mooring_airflow.binding import Binding
from mooring_airflow.login import LoginWhenAsked, ReadLogin

Json = dict[str, Any]

API: Final = "/api/2.0/mlflow"
FILES: Final = "/ajax-api/2.0/mlflow/logged-models"
"""MLflow has no other way to a file of a logged model than that of its own pages."""
TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)
PAGE: Final = 1000
TRANSIENT: Final = frozenset({429, 502, 503, 504})


class StoreNotListed(Exception):
    """The tracking server answered that it cannot list the store; the text is what it said."""


class Tracking:
    """A tracking server; every call is tried again for up to `patience` seconds while it is down.

    `login` gives the authorization once the server asks for it. Raises httpx.HTTPError,
    and what `login` raises.
    """

    def __init__(
        self,
        url: str,
        patience: float,
        login: ReadLogin,
        headers: Mapping[str, str] | None = None,
        verify: ssl.SSLContext | bool = True,
        *,
        timeout: httpx.Timeout = TIMEOUT,
    ) -> None:
        self.url = url
        self._http = httpx.Client(
            base_url=url,
            timeout=timeout,
            headers=headers,
            auth=LoginWhenAsked(login),
            verify=_trusted() if verify is True else verify,
        )
        self._retrying = Retrying(
            stop=stop_after_delay(patience),
            wait=wait_exponential(multiplier=0.25, max=5),
            retry=retry_if_exception(_is_transient),
            reraise=True,
        )

    @classmethod
    def of(cls, binding: Binding, patience: float) -> Self:
        """The tracking server of a binding."""
        return cls(binding.url, patience, binding.login, binding.headers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def experiments(self) -> list[str]:
        """The ids of all experiments."""
        body = {"max_results": PAGE}
        found = self._pages("POST", "/experiments/search", body, "experiments")
        return [experiment["experiment_id"] for experiment in found]

    def runs(self, tags: Mapping[str, str], experiments: Sequence[str]) -> list[Json]:
        """The runs of these experiments that carry all of `tags`, latest first."""
        body = {
            "experiment_ids": list(experiments),
            "filter": filter_of(tags),
            "order_by": ["attributes.start_time DESC"],
        }
        return list(self._pages("POST", "/runs/search", body, "runs"))

    def models(self, tags: Mapping[str, str], experiments: Sequence[str]) -> list[Json]:
        """The logged models of these experiments that carry all of `tags`, latest first."""
        found: list[Json] = []
        # 100: the server's own limit for experiments in one search of models.
        for start in range(0, len(experiments), 100):
            body = {
                "experiment_ids": list(experiments[start : start + 100]),
                "filter": filter_of(tags),
                "max_results": 50,
            }
            found += self._pages("POST", "/logged-models/search", body, "models")
        return sorted(found, key=lambda m: -int(m["info"]["creation_timestamp_ms"]))

    def artifacts(self, run_id: str, folder: str = "") -> list[Json]:
        """The entries {path, is_dir, file_size} of one folder of a run's artifacts.

        Raises StoreNotListed.
        """
        query = {"run_id": run_id, **({"path": folder} if folder else {})}
        return self._listed(f"{API}/artifacts/list", params=query)

    def model_files(self, model_id: str, folder: str = "") -> list[Json]:
        """The entries {path, is_dir, file_size} of one folder of a logged model.

        Raises StoreNotListed.
        """
        query = {"artifact_directory_path": folder} if folder else {}
        return self._listed(f"{API}/logged-models/{model_id}/artifacts/directories", params=query)

    def model_file(self, model_id: str, path: str) -> str:
        """The text of one file of a logged model, as the server reads it from the store.

        Raises StoreNotListed.
        """
        answer = self._said_by_store(
            "GET", f"{FILES}/{model_id}/artifacts/files", params={"artifact_file_path": path}
        )
        return answer.text

    def versions(self, run_id: str) -> list[Json]:
        """The model versions that were registered from a run, the newest first."""
        query = {"filter": f"run_id = {quoted(run_id)}", "order_by": "last_updated_timestamp DESC"}
        found = self._call("GET", f"{API}/model-versions/search", params=query)
        return list(found.get("model_versions", []))

    def experiment_name(self, experiment_id: str) -> str:
        """The name of an experiment."""
        found = self._call("GET", f"{API}/experiments/get", params={"experiment_id": experiment_id})
        return str(found["experiment"]["name"])

    def set_tag(self, run_id: str, key: str, value: str) -> None:
        """Set one tag of a run."""
        self._call(
            "POST", f"{API}/runs/set-tag", json={"run_id": run_id, "key": key, "value": value}
        )

    def close_run(self, run_id: str, status: str, end_time_ms: int) -> None:
        """End a run with `status` (FAILED, KILLED)."""
        self._call(
            "POST",
            f"{API}/runs/update",
            json={"run_id": run_id, "status": status, "end_time": end_time_ms},
        )

    def _listed(self, path: str, **how: Any) -> list[Json]:
        return list(self._said_by_store("GET", path, **how).json().get("files", []))

    def _said_by_store(self, method: str, path: str, **how: Any) -> httpx.Response:
        try:
            return self._asked(method, path, **how)
        except httpx.HTTPStatusError as error:
            answer = error.response
            raise StoreNotListed(f"HTTP {answer.status_code}: {said(answer)}") from error

    def _pages(self, method: str, path: str, body: Json, field: str) -> Iterator[Json]:
        token = ""
        while True:
            page = {**body, **({"page_token": token} if token else {})}
            answer = self._call(method, API + path, json=page)
            yield from answer.get(field, [])
            token = answer.get("next_page_token", "")
            if not token:
                return

    def _call(self, method: str, path: str, **how: Any) -> Json:
        answer = self._asked(method, path, **how)
        return dict(answer.json()) if answer.content else {}

    def _asked(self, method: str, path: str, **how: Any) -> httpx.Response:
        def once() -> httpx.Response:
            answer = self._http.request(method, path, **how)
            answer.raise_for_status()
            return answer

        return self._retrying(once)


@cache
def _trusted() -> ssl.SSLContext:
    """As httpx makes one for each client, which takes 25 ms of a processor each time."""
    return httpx.create_ssl_context()


def said(answer: httpx.Response) -> str:
    """MLflow's sentence in an error answer, the body where there is none."""
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:300]


def filter_of(tags: Mapping[str, str]) -> str:
    """MLflow's search filter for all of `tags`."""
    return " AND ".join(f"tags.`{key}` = {quoted(value)}" for key, value in tags.items())


def quoted(value: str) -> str:
    """`value` as a string of MLflow's filters."""
    # The grammar has no escapes; Airflow's ids may hold one kind of quote, hardly both.
    return f'"{value}"' if "'" in value else f"'{value}'"


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in TRANSIENT
    return isinstance(error, httpx.TransportError)

"""What tracking servers hold of one DAG run, asked while a person waits for the page.

Only servers are asked that a connection of Airflow names, by its login: an address that a task
pushed as XCom is the author's word, and this is Airflow's API server, which reaches other places.
"""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx
from airflow.configuration import conf
from airflow.models.connection import Connection
from airflow.models.dag import DagModel
from airflow.sdk.exceptions import AirflowNotFoundException

from mooring import contract
from mooring_airflow.connection import Server, parse_connection
from mooring_airflow.errors import MooringError
from mooring_airflow.evidence import READY, Model, Run
from mooring_airflow.tracking import StoreNotListed, Tracking

log = logging.getLogger(__name__)

PATIENCE_S: Final = 3.0
"""For one request, and for counting files: a person waits, and the page is useful without both."""

AT_ONCE: Final = 4
"""Servers that are asked beside each other; nearly every DAG run has one."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Files in the store and their bytes; `complete` when none were left uncounted."""

    files: int
    size: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A run with its logged models; `sizes` is None where nothing could be counted."""

    run: Run
    models: Sequence[Model]
    sizes: Sizes | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server of `binding` said; `trouble` is why it did not, empty when it did.

    `url` is its address without any login; empty where none is known.
    """

    binding: str
    url: str
    found: Sequence[Found] = ()
    trouble: str = ""


def ask(dag_id: str, run_id: str, bindings: Iterable[str]) -> list[Answer]:
    """Ask the server of each binding for the runs that carry the tags of this DAG run."""
    patience = conf.getfloat("mooring", "page_timeout", fallback=PATIENCE_S)
    team = DagModel.get_team_name(dag_id) if conf.getboolean("core", "multi_team") else None
    tags = {contract.TAG_DAG_ID: dag_id, contract.TAG_RUN_ID: run_id}
    known = [(binding, _server(binding, team)) for binding in sorted(set(bindings))]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda one: ask_one(one[0], one[1], tags, patience), known))


def _server(binding: str, team: str | None) -> Server | str:
    """The server that the binding's connection names; else why there is none, as a sentence."""
    name = contract.connection_id(binding.rpartition("/")[2])
    try:
        return parse_connection(Connection.get_connection_from_secrets(name, team_name=team))
    except AirflowNotFoundException:
        return (
            f"Airflow has no connection {name}: set spec.airflow.connection of the MlflowBinding, "
            "or make one of type MLflow."
        )
    except MooringError as error:
        # Who reads the page has no right to the connection, and what it holds may be quoted here.
        log.warning("The page MLflow cannot use the connection of binding %s: %s", binding, error)
        return f"Airflow's connection {name} cannot be used; the API server's log says why."


def ask_one(binding: str, server: Server | str, tags: Mapping[str, str], patience: float) -> Answer:
    """Ask the server of one binding, or say why there is none; `patience` is in seconds."""
    if isinstance(server, str):
        return Answer(binding, "", trouble=server)
    url = _without_login(server.url)
    try:
        return Answer(binding, url, _found(server, tags, patience))
    except httpx.HTTPStatusError as error:
        return Answer(binding, url, trouble=_refusal(error.response.status_code))
    except Exception as error:  # noqa: BLE001 (what is no tracking server may answer anything)
        # The type alone: an error may quote an address with its login.
        log.warning("Binding %s: no tracking server, %s", binding, type(error).__name__)
        return Answer(binding, url, trouble="Its tracking server does not answer as MLflow does.")


def _refusal(status: int) -> str:
    if status in (401, 403):
        return "Its tracking server does not let Airflow in with the login of the connection."
    return f"Its tracking server answered with an error (HTTP {status})."


def _found(server: Server, tags: Mapping[str, str], patience: float) -> list[Found]:
    timeout = httpx.Timeout(patience)
    with Tracking(
        server.url, 0, lambda: None, server.headers, server.verify, timeout=timeout
    ) as tracking:
        experiments = tracking.experiments()
        runs = [Run.of(found) for found in tracking.runs(tags, experiments)]
        models = [Model.of(m) for m in (tracking.models(tags, experiments) if runs else [])]
        until = time.monotonic() + patience
        return [_with_sizes(tracking, run, models, until) for run in runs]


def _with_sizes(tracking: Tracking, run: Run, models: Sequence[Model], until: float) -> Found:
    mine = [model for model in models if model.run_id == run.run_id]
    try:
        return Found(run, mine, _sizes(tracking, run, mine, until))
    except (StoreNotListed, httpx.HTTPError):
        return Found(run, mine, None)


def _sizes(tracking: Tracking, run: Run, models: Sequence[Model], until: float) -> Sizes | None:
    """The files of a run and of its models; None where there was no time for a single folder."""
    files = size = listed = 0
    ready = [model.model_id for model in models if model.status == READY]
    left = [("", ""), *((model, "") for model in ready)]
    while left and time.monotonic() < until:
        model, folder = left.pop()
        entries = (
            tracking.model_files(model, folder) if model else tracking.artifacts(run.run_id, folder)
        )
        left += [(model, entry["path"]) for entry in entries if entry.get("is_dir")]
        sizes = [int(entry.get("file_size") or 0) for entry in entries if not entry.get("is_dir")]
        files, size, listed = files + len(sizes), size + sum(sizes), listed + 1
    return Sizes(files, size, not left) if listed else None


def _without_login(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

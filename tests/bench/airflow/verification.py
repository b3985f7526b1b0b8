"""What it takes to verify a run with a thousand artifacts, beside the listing that anybody needs.

Against a real tracking server and store on this machine. The tracking server answers by folder, and
by logged model: how a thousand files lie decides how often it must be asked.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx

from mooring_airflow.checks import Expectation
from mooring_airflow.tracking import API
from mooring_airflow.verify import verify
from tests.bench.figures import Figure, middle
from tests.integration.airflow.runs import Pod, expectation, task_tags
from tests.integration.airflow.world import BUCKET, Workspace, workspace
from tests.services.versitygw import versitygw

ARTIFACTS: Final = 1000
IN_EACH: Final = 10
"""Files in each folder, and in each logged model."""
GOAL_S: Final = 2.0
UPLOADS: Final = 8
"""At once."""


@dataclass(frozen=True, slots=True)
class Laid:
    """A run whose artifacts lie as `how` says; `listings` are the questions that show them all."""

    how: str
    expected: Expectation
    listings: Sequence[tuple[str, dict[str, str]]]


def verification(rounds: int) -> list[Figure]:
    """Seconds of one verification for each way to lay a thousand artifacts, and of its floor."""
    logging.getLogger(verify.__module__).setLevel(logging.WARNING)
    with versitygw() as store, workspace(store) as team:
        return [_measured(team, laid, rounds) for laid in _all_ways(team)]


def _measured(team: Workspace, laid: Laid, rounds: int) -> Figure:
    took, least = [], []
    for _ in range(rounds):
        started = time.monotonic()
        verify(laid.expected)
        took.append(time.monotonic() - started)
        least.append(_listing(team, laid))
    return Figure(
        name=f"verification, {ARTIFACTS:,} artifacts {laid.how}",
        unit="s",
        measured=middle(took),
        floor=middle(least),
        floor_is=f"to list them, {len(laid.listings)} requests one after the other",
        goal=GOAL_S,
        raw={"verify_s": took, "list_s": least},
    )


def _listing(team: Workspace, laid: Laid) -> float:
    with httpx.Client(base_url=team.url, timeout=60) as client:
        started = time.monotonic()
        found = [client.get(path, params=query) for path, query in laid.listings]
        took = time.monotonic() - started
    count = sum(len(answer.raise_for_status().json()["files"]) for answer in found)
    assert count == ARTIFACTS, f"{count} artifacts listed of {laid.how}"
    return took


def _all_ways(team: Workspace) -> Iterator[Laid]:
    yield _in_folders(team, 1)
    yield _in_folders(team, ARTIFACTS // IN_EACH)
    yield _in_models(team, ARTIFACTS // IN_EACH)


def _in_folders(team: Workspace, folders: int) -> Laid:
    """A run with all artifacts below `data`, in as many folders."""
    pod = Pod(team, task_tags("folders"))
    with _finished(pod) as run:
        names = [f"data/{number:03}" for number in range(folders)]
        each = ARTIFACTS // folders
        _put(team, [f"{_key(run)}/{name}/{i}.csv" for name in names for i in range(each)])
    return Laid(
        f"in {folders} folders" if folders > 1 else "in one folder",
        expectation(team, pod.tags, {"name": "data", "min_count": ARTIFACTS}),
        [(f"{API}/artifacts/list", {"run_id": run["run_id"], "path": name}) for name in names],
    )


def _in_models(team: Workspace, models: int) -> Laid:
    """A run with as many logged models, as one makes who logs a model for each checkpoint."""
    pod = Pod(team, task_tags("models"))
    files = ("MLmodel", *(f"{i}.bin" for i in range(IN_EACH - 1)))
    with _finished(pod) as run:
        made = [pod.log_model(run, f"checkpoint-{i}", upload=False) for i in range(models)]
        _put(team, [f"{_key(model)}/{file}" for model in made for file in files])
        for model in made:
            pod.finalize(model)
    where = [f"{API}/logged-models/{model['model_id']}/artifacts/directories" for model in made]
    return Laid(
        f"of {models} logged models",
        expectation(team, pod.tags, "checkpoint-*"),
        [(path, {}) for path in where],
    )


@contextmanager
def _finished(pod: Pod) -> Iterator[dict[str, Any]]:
    """A run that has ended after the block."""
    run = pod.start_run()
    yield run
    pod.end_run(run)


def _key(info: dict[str, Any]) -> str:
    return str(info["artifact_uri"]).removeprefix(f"s3://{BUCKET}/")


def _put(team: Workspace, keys: Sequence[str]) -> None:
    client = team.client()

    def put(key: str) -> None:
        client.put_object(Bucket=BUCKET, Key=key, Body=b"content")

    with ThreadPoolExecutor(UPLOADS) as pool:
        list(pool.map(put, keys))

"""Airflow's REST API, as far as the demo and the e2e tests need it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import httpx

from tests.cluster.process import ClusterError, wait_until
from tests.demo.cluster import forwarded
from tests.demo.system import PLAYGROUND

PORT: Final = 8080
OVER: Final = frozenset({"success", "failed"})
ANSWER_S: Final = 60.0
"""In which Airflow answers, also on a machine with other work to do."""


@dataclass(frozen=True, slots=True)
class TaskInstance:
    """A task instance: its state is None until the scheduler looked at it."""

    task_id: str
    map_index: int
    try_number: int
    state: str | None
    seconds: float | None

    @property
    def name(self) -> str:
        """Name with its map index, as Airflow's pages show it."""
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.map_index}]"


@dataclass(frozen=True, slots=True)
class DagRun:
    """A DAG run that is over."""

    dag_id: str
    run_id: str
    state: str
    tasks: tuple[TaskInstance, ...]


class Airflow:
    """A client of the API server at `url`, logged in."""

    def __init__(self, url: str) -> None:
        answer = httpx.get(f"{url}/auth/token", timeout=ANSWER_S).raise_for_status()
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        self._client = httpx.Client(base_url=f"{url}/api/v2", headers=headers, timeout=ANSWER_S)

    def known(self, dag_id: str) -> bool:
        """Whether the DAG was parsed already."""
        return self._client.get(f"/dags/{dag_id}").status_code == 200

    def parsed_since(self, dag_id: str, moment: datetime) -> bool:
        """Whether the DAG's file was read after `moment`."""
        answer = self._client.get(f"/dags/{dag_id}")
        if answer.status_code == 404:
            return False
        parsed: str = answer.raise_for_status().json()["last_parsed_time"]
        return datetime.fromisoformat(parsed) > moment

    def wait_until_read(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for Airflow to read DAG files. Raises ClusterError with what is wrong with them."""
        try:
            wait_until(condition, f"Airflow to read {what}")
        except ClusterError as error:
            found = self._get("/importErrors")["import_errors"]
            told = "\n".join(f"{e['filename']}: {e['stack_trace']}" for e in found)
            raise ClusterError(f"{error}: {told or 'no import errors'}") from None

    def run(
        self,
        dag_id: str,
        *,
        conf: dict[str, Any] | None = None,
        timeout: float = 1200,
        progress: Callable[[list[TaskInstance]], None] = lambda _: None,
    ) -> DagRun:
        """Trigger a DAG and wait until its run is over; `progress` sees each look at its tasks.

        Raises ClusterError when the DAG is not known or the run takes over `timeout` seconds.
        """
        run_id = self.trigger(dag_id, conf)
        return self.wait(dag_id, run_id, timeout=timeout, progress=progress)

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        """Start a run of a DAG, which may just have been put in place; the run's id.

        Raises ClusterError when Airflow does not get to know the DAG.
        """
        self.unpause(dag_id)
        body = {"logical_date": None, "conf": conf or {}}
        answer = self._client.post(f"/dags/{dag_id}/dagRuns", json=body).raise_for_status().json()
        run_id: str = answer["dag_run_id"]
        return run_id

    def unpause(self, dag_id: str) -> None:
        """Let a DAG run, which may just have been put in place; raises as `trigger`."""
        self.wait_until_read(lambda: self.known(dag_id), dag_id)
        self._client.patch(f"/dags/{dag_id}", json={"is_paused": False}).raise_for_status()

    def run_ids(self, dag_id: str) -> list[str]:
        """The newest hundred runs of a DAG."""
        found = self._client.get(f"/dags/{dag_id}/dagRuns", params={"order_by": "-run_after"})
        return [run["dag_run_id"] for run in found.raise_for_status().json()["dag_runs"]]

    def wait(
        self,
        dag_id: str,
        run_id: str,
        *,
        timeout: float = 1200,
        progress: Callable[[list[TaskInstance]], None] = lambda _: None,
    ) -> DagRun:
        """Wait until the run is over; `progress` sees each look at its tasks.

        Raises ClusterError when it takes over `timeout` seconds.
        """

        def look() -> DagRun | None:
            state = self._get(f"/dags/{dag_id}/dagRuns/{run_id}")["state"]
            tasks = self.task_instances(dag_id, run_id)
            progress(tasks)
            return DagRun(dag_id, run_id, state, tuple(tasks)) if state in OVER else None

        try:
            return wait_until(look, f"{dag_id} {run_id} to be over", timeout=timeout)
        except ClusterError as error:
            tasks = self.task_instances(dag_id, run_id)
            states = ", ".join(f"{task.name}: {task.state}" for task in tasks)
            raise ClusterError(f"{error}: {states}") from None

    def task_instances(self, dag_id: str, run_id: str) -> list[TaskInstance]:
        """The task instances of a run, the first hundred of them."""
        answer = self._get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=100")
        return [
            TaskInstance(t["task_id"], t["map_index"], t["try_number"], t["state"], t["duration"])
            for t in answer["task_instances"]
        ]

    def log(self, dag_id: str, run_id: str, task: TaskInstance, try_number: int = 0) -> str:
        """The log of a try of a task instance, the newest unless named, as plain text."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task.task_id}"
        answer = self._client.get(
            f"{path}/logs/{try_number or task.try_number}",
            params={"map_index": task.map_index, "full_content": True},
            headers={"Accept": "application/x-ndjson"},
        )
        return answer.raise_for_status().text

    def xcom(self, dag_id: str, run_id: str, task: TaskInstance, key: str) -> Any:
        """A value that a task instance pushed; None where it pushed none."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task.task_id}/xcomEntries/{key}"
        answer = self._client.get(path, params={"map_index": task.map_index, "deserialize": True})
        if answer.status_code == 404:
            return None
        return answer.raise_for_status().json()["value"]

    def _get(self, path: str) -> Any:
        return self._client.get(path).raise_for_status().json()


@contextmanager
def airflow() -> Iterator[Airflow]:
    """The playground's Airflow, while the block runs."""
    with forwarded("airflow", PLAYGROUND, PORT) as url:
        yield Airflow(url)

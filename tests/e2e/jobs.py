"""Pods through Airflow, and what came of each."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from mooring import contract
from tests.demo.airflow import Airflow, TaskInstance, airflow
from tests.demo.cluster import kubectl
from tests.demo.system import PLAYGROUND

PLAIN: Final = "e2e_plain"
MOORED: Final = "e2e_moored"
POD: Final = "pod"
NEXT: Final = "next"

SCRIPTS: Final = Path(__file__).parent / "scripts"
DAGS: Final = Path(__file__).parent / "dags"
DAG_FOLDER: Final = "/opt/airflow/dags/e2e"
IN_AIRFLOW: Final = ("exec", "-i", "-n", PLAYGROUND, "deploy/airflow", "-c", "scheduler", "--")
DAG_IDS: Final = tuple(
    f"{operator}{kind}" for operator in (PLAIN, MOORED) for kind in ("", "_retry", "_handover")
)
TRAINED: Final = re.compile(r"trained: run (\w+) model ([\w-]+)")


@dataclass(frozen=True, slots=True)
class Started:
    """A DAG run under way."""

    dag_id: str
    run_id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A task instance that is over: its state, its log, the reference that it pushed."""

    state: str | None
    log: str = field(repr=False)
    reference: dict[str, Any] | None
    returned: Any

    @property
    def run_id(self) -> str:
        """The run as the pod saw it; fails when the pod did not come to its end."""
        return self._trained()[1]

    @property
    def model_id(self) -> str:
        """The logged model as the pod saw it."""
        return self._trained()[2]

    def _trained(self) -> re.Match[str]:
        match = TRAINED.search(self.log)
        assert match, f"the pod did not come to its end:\n{self.log}"
        return match


class Jobs:
    """Starts the pods of `tests/e2e/dags` and tells what came of them."""

    def __init__(self, client: Airflow) -> None:
        self.airflow = client
        self.started: list[Started] = []

    def run(self, dag_id: str, pods: Sequence[Mapping[str, Any]], **conf: Any) -> list[Outcome]:
        """Start pods and wait for what comes of each."""
        return self.finish(self.start(dag_id, pods, **conf))

    def start(self, dag_id: str, pods: Sequence[Mapping[str, Any]] = (), **conf: Any) -> Started:
        """Start pods, given as arguments of the DAG's operator; `conf` is the DAG's to read."""
        started = Started(dag_id, self.airflow.trigger(dag_id, {"pods": list(pods), **conf}))
        self.started.append(started)
        return started

    def finish(self, started: Started) -> list[Outcome]:
        """Wait until the DAG run is over; what came of each pod, in their order."""
        self.airflow.wait(started.dag_id, started.run_id)
        return [self.outcome(started, task) for task in self.tasks(started, POD)]

    def following(self, started: Started) -> Outcome:
        """What came of the task that the references were handed to."""
        (task,) = self.tasks(started, NEXT)
        return self.outcome(started, task)

    def tasks(self, started: Started, task_id: str) -> list[TaskInstance]:
        """The task instances of one task by their map index."""
        all_tasks = self.airflow.task_instances(started.dag_id, started.run_id)
        return sorted((t for t in all_tasks if t.task_id == task_id), key=lambda t: t.map_index)

    def outcome(self, started: Started, task: TaskInstance) -> Outcome:
        """What there is of a task instance now."""
        return Outcome(
            state=task.state,
            log=self.log(started, task) if task.try_number else "",
            reference=self.xcom(started, task, contract.XCOM_KEY),
            returned=self.xcom(started, task, "return_value"),
        )

    def xcom(self, started: Started, task: TaskInstance, key: str) -> Any:
        """A value that a task instance pushed; None where it pushed none."""
        return self.airflow.xcom(started.dag_id, started.run_id, task, key)

    def log(self, started: Started, task: TaskInstance) -> str:
        """The log of the newest try, one message a line."""
        text = self.airflow.log(started.dag_id, started.run_id, task)
        return "\n".join(_messages(text))


def install_dags() -> None:
    """Have Airflow know the DAGs of `tests/e2e/dags`. Raises ClusterError when it does not."""
    started = datetime.now(UTC)
    kubectl(*IN_AIRFLOW, "mkdir", "-p", DAG_FOLDER)
    for file in DAGS.glob("*.py"):
        kubectl(*IN_AIRFLOW, "tee", f"{DAG_FOLDER}/{file.name}", stdin=file.read_text())
    with airflow() as client:
        client.wait_until_read(
            lambda: all(client.parsed_since(dag_id, started) for dag_id in DAG_IDS), DAG_FOLDER
        )


def remove_dags() -> None:
    """Take them away again."""
    kubectl(*IN_AIRFLOW, "rm", "-rf", DAG_FOLDER)


def script(name: str, before: str = "") -> str:
    """A script of this folder, after the lines `before`."""
    return before + (SCRIPTS / f"{name}.py").read_text()


def training(*arguments: str, before: str = "", **more: Any) -> dict[str, Any]:
    """Operator arguments for the training; `before` goes before its code."""
    return {"arguments": [script("train", before), *arguments], **more}


def _messages(ndjson: str) -> Iterator[str]:
    for line in filter(None, ndjson.splitlines()):
        entry = json.loads(line)
        yield str(entry["event"])
        for detail in entry.get("error_detail") or []:
            yield f"{detail.get('exc_type')}: {detail.get('exc_value')}"

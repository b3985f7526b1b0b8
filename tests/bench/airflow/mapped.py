"""Whether the task after many mapped pods gets the run of each, also of those that lost XCom."""

import json
from collections.abc import Sequence
from typing import Any, Final

from tests.bench.airflow.playground import TEAM, Many, installed
from tests.bench.figures import Figure
from tests.cluster.process import ClusterError
from tests.demo.airflow import Airflow, DagRun, TaskInstance
from tests.demo.cluster import kubectl
from tests.demo.store import Tracking, tracking
from tests.e2e.scenarios import SIDECAR
from tests.e2e.workspaces import end_sidecar

MAPPED: Final = "bench_mapped"
COLLECT: Final = "collect"
TIMEOUT_S: Final = 3600.0
AT_ONCE: Final = 4
EVERY: Final = 5
"""Of so many pods one has its sidecar killed, and the next one's XCom is deleted."""


def references(pods: int) -> Figure:
    """How many references are wrong or not there when a task asks for those of all pods."""
    killed, deleted = range(0, pods, EVERY), range(1, pods, EVERY)
    many = Many(pods, AT_ONCE, deleted=[*deleted], waiting=[*killed])
    sidecars = Sidecars(killed)
    with installed([MAPPED], many) as airflow:
        run = airflow.run(MAPPED, timeout=TIMEOUT_S, progress=sidecars.kill)
        if run.state != "success":
            raise ClusterError(f"{MAPPED} is {run.state}: {_states(run)}")
        found = _collected(airflow, run)
    with tracking(TEAM) as server:
        lost = [index for index in range(pods) if not _is_of(server, found[index], index)]
    return Figure(
        name=f"references lost of {pods} mapped pods, {AT_ONCE} at once",
        unit="references",
        measured=len(lost),
        floor=None,
        floor_is=f"the XCom sidecar of {len(sidecars.killed)} was killed, "
        f"XCom of {len(deleted)} others deleted",
        goal=0,
        raw={"lost": [float(index) for index in lost]},
    )


class Sidecars:
    """Kills the XCom sidecar of the pods with these map indices, while their training waits."""

    def __init__(self, indices: Sequence[int]) -> None:
        self._left = {str(index) for index in indices}
        self.killed: set[str] = set()

    def kill(self, _: Sequence[TaskInstance]) -> None:
        """Kill those of the pods that run now, and let their training go on."""
        selector = ("-l", f"dag_id={MAPPED}", "--field-selector=status.phase=Running")
        found = json.loads(kubectl("get", "pods", "-n", TEAM, *selector, "-o", "json"))["items"]
        for pod in filter(_all_run, found):
            index = pod["metadata"]["labels"]["map_index"]
            if index in self._left - self.killed:
                self._kill(pod["metadata"]["name"])
                self.killed.add(index)

    def _kill(self, pod: str) -> None:
        end_sidecar(TEAM, pod, SIDECAR)
        kubectl("exec", "-n", TEAM, pod, "-c", "base", "--", "touch", "/tmp/go")  # noqa: S108


def _all_run(pod: dict[str, Any]) -> bool:
    return all("running" in status["state"] for status in pod["status"]["containerStatuses"])


def _collected(airflow: Airflow, run: DagRun) -> list[str | None]:
    (task,) = (task for task in run.tasks if task.task_id == COLLECT)
    found: list[str | None] = airflow.xcom(run.dag_id, run.run_id, task, "return_value")
    return found


def _is_of(server: Tracking, run_id: str | None, index: int) -> bool:
    """Whether the run is the one that the training of this map index has made."""
    run = server.run(run_id) if run_id else None
    return run is not None and run.params["index"] == str(index)


def _states(run: DagRun) -> str:
    return ", ".join(f"{task.name}: {task.state}" for task in run.tasks if task.state != "success")

"""Starts the pods of cases, by hand or by Airflow, and tells how each ended."""

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.cluster.process import ClusterError, wait_until
from tests.demo.airflow import TaskInstance
from tests.demo.cluster import kubectl
from tests.demo.store import tracking
from tests.e2e.jobs import MOORED, POD, Jobs, Started
from tests.faults.fault import Way
from tests.faults.pods import CONTAINER, SESSION, Case, environment, manifest, mark_of, training
from tests.faults.scenes import OpenJobs
from tests.faults.seen import NOBODY, TASK, End, ended, refusal, refused_jobs, why_red
from tests.faults.world import MINTED, World

LONGEST_S: Final = 1500
BEGUN_S: Final = 600.0

Begun = tuple[Started | None, Sequence[Case]]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the pods of one run of the matrix are played.

    `told` hears of every pod that has ended. `jobs` is None where no fault needs Airflow.
    """

    world: World
    jobs: OpenJobs | None
    at_once: int
    told: Callable[[], None]
    session: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    started: dict[str, float] = field(default_factory=dict)
    """When the pod of a mark was made, by `time.monotonic`."""

    # --- pods ---------------------------------------------------------------------------------

    def play(self, cases: Sequence[Case]) -> dict[str, End]:
        """Start all pods, some at a time, and wait for the end of each."""
        return self.watch((), cases)

    def watch(self, started: Sequence[Case], cases: Sequence[Case] = ()) -> dict[str, End]:
        """Wait for the end of each pod, of those that are `started` and of the others too.

        One that goes on for ever has told nobody of anything.
        """
        waiting, ends = list(cases), dict[str, End]()
        going = {case.mark: case for case in started}
        deadline = time.monotonic() + LONGEST_S
        while waiting or going:
            while waiting and len(going) < self.at_once:
                case = waiting.pop(0)
                refused = self.start(case)
                if refused is None:
                    going[case.mark] = case
                else:
                    ends[case.mark] = refused
                    self.told()
            fresh = ended(self.session) | self._refused(going)
            if time.monotonic() > deadline:
                late = f"has not ended after {LONGEST_S} s"
                fresh |= {mark: End(NOBODY, late, LONGEST_S) for mark in going.keys() - fresh}
            for mark in fresh.keys() & going.keys():
                _remove(going.pop(mark))
                ends[mark] = fresh[mark]
                self.told()
            time.sleep(1)
        return ends

    def start(self, case: Case) -> End | None:
        """Make the pod; its end where the API server refuses it."""
        self.started[case.mark] = started = time.monotonic()
        document = json.dumps(manifest(case, self.world, self.session))
        try:
            kubectl("create", "-f", "-", stdin=document)
        except ClusterError as error:
            return refusal(str(error), time.monotonic() - started)
        return None

    def wait_for_runs(self, cases: Sequence[Case]) -> None:
        """Wait until each of the cases has a run that is RUNNING. Raises ClusterError."""
        wait_until(lambda: _all_run(cases), "the trainings to begin", timeout=BEGUN_S)

    def let_go(self, case: Case) -> None:
        """Have a training that waits in its run go on. Raises ClusterError when it is gone."""
        where = ("-n", case.namespace)
        selector = f"mark={case.mark}"
        pod = kubectl("get", "pods", *where, "-l", selector, "-o", "name").strip()
        kubectl("exec", *where, pod, "-c", CONTAINER, "--", "touch", "/tmp/go")  # noqa: S108

    def clear(self) -> None:
        """Delete what is left of this run's pods, also of those that Airflow started."""
        mine = f"{SESSION}={self.session}"
        kubectl("delete", "jobs,pods", "--all-namespaces", "-l", mine, "--wait=false")

    def _refused(self, going: Mapping[str, Case]) -> dict[str, End]:
        is_job = any(case.way is Way.JOB for case in going.values())
        return refused_jobs(self.session) if is_job else {}

    # --- tasks of Airflow ---------------------------------------------------------------------

    def start_tasks(self, cases: Sequence[Case]) -> Begun:
        """Have Airflow start the pods of cases, all at the same time."""
        if self.jobs is None or not cases:
            return None, cases
        pods = [
            {
                "arguments": training(case, self.world),
                "binding": case.namespace,
                "env_vars": environment(case, self.world),
                "labels": {SESSION: self.session, "mark": case.mark},
            }
            for case in cases
        ]
        with self.jobs() as jobs:
            return jobs.start(MOORED, pods), cases

    def finish_tasks(self, begun: Begun) -> dict[str, End]:
        """Wait for the end of all tasks. Raises ClusterError when that takes too long."""
        started, cases = begun
        if self.jobs is None or started is None:
            return {}
        with self.jobs() as jobs:
            jobs.airflow.wait(started.dag_id, started.run_id, timeout=LONGEST_S)
            tasks = zip(cases, jobs.tasks(started, POD), strict=True)
            ends = {case.mark: _end_of(jobs, started, task) for case, task in tasks}
        for _ in cases:
            self.told()
        return ends


def _end_of(jobs: Jobs, started: Started, task: TaskInstance) -> End:
    if task.state == "success":
        return End(NOBODY, "", task.seconds or 0)
    return End(TASK, why_red(jobs.log(started, task)), task.seconds or 0)


def _all_run(cases: Sequence[Case]) -> bool:
    with tracking(MINTED) as server:
        marks = {mark_of(run.tags) for run in server.runs() if run.status == "RUNNING"}
    return {case.mark for case in cases} <= marks


def _remove(case: Case) -> None:
    kind = "job" if case.way is Way.JOB else "pod"
    kubectl("delete", kind, case.name, "-n", case.namespace, "--wait=false")

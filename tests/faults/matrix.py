"""Plays the cases: as few pods at once as the machine bears, and looks at them from outside."""

import json
import time
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final

from tests.cluster.process import ClusterError, wait_until
from tests.cluster.report import say
from tests.demo.airflow import TaskInstance
from tests.demo.cluster import apply, get, kubectl
from tests.demo.store import tracking
from tests.e2e.jobs import MOORED, POD, Jobs, Started
from tests.e2e.workspaces import operator_stopped
from tests.faults.fault import BY_AIRFLOW, Fault, Way
from tests.faults.outside import BREAKING
from tests.faults.pods import CONTAINER, MARK, SESSION, Case, environment, manifest, training
from tests.faults.scenes import SCENES
from tests.faults.seen import NOBODY, TASK, End, ended, kept, refusal, refused_jobs, why_red
from tests.faults.verdict import Row, Seen, row, seen
from tests.faults.world import KEYLESS, MINTED, World, binding, publish, wait_answered

AT_ONCE: Final = 10
LONGEST_S: Final = 1500
FINDINGS: Final = "`status.findings`"
BEGUN_S: Final = 600.0
LOOK_S: Final = 60.0
AUDITED_EVERY_S: Final = 600.0
"""How often the operator looks for losses (docs/operations.md)."""


class Matrix:
    """One run of the matrix on a world."""

    def __init__(self, world: World, jobs: Jobs | None) -> None:
        self._world = world
        self._jobs = jobs
        self._session = uuid.uuid4().hex[:8]
        self._count = 0

    def rows(self, faults: Sequence[Fault]) -> Iterator[list[Row]]:
        """Play every fault by all of its ways, and without Mooring; rows as they come."""
        alone = [fault for fault in faults if fault.outside or fault.scene]
        yield self._inside([fault for fault in faults if fault not in alone])
        for fault in alone:
            say(f"    {fault.name}")
            yield self._outside(fault) if fault.outside else self._played(fault)

    def _played(self, fault: Fault) -> list[Row]:
        """A fault that has a scene of its own."""
        assert self._jobs is not None
        seen_by = SCENES[fault.scene](self._jobs, self._world)
        cases = [self._case(fault, way) for way in fault.expected]
        return [row(case, seen_by[case.way], seen_by[None]) for case in cases]

    def _inside(self, faults: Sequence[Fault]) -> list[Row]:
        """All that is wrong with a pod and not with the platform, at the same time."""
        if not faults:
            return []
        peers = [self._case(fault, None) for fault in faults]
        cases = [self._case(fault, way) for fault in faults for way in fault.expected]
        published = [case for case in cases if case.way is Way.BINDING]
        by_task = [case for case in cases if case.way in BY_AIRFLOW]
        others = [case for case in cases if case not in published and case not in by_task]
        found = self._unmended(published, peers)
        tasks = self._start_tasks(by_task)
        found |= self._seen([*others, *by_task], self._play(others) | self._finish_tasks(tasks))
        found |= self._in_findings(others, found)
        return _rows(cases, peers, found)

    def _outside(self, fault: Fault) -> list[Row]:
        """Pods that train while the platform fails, and one that is started then."""
        peer = self._case(fault, None)
        cases = [self._case(fault, way) for way in fault.expected]
        before = [case for case in cases if case.way is Way.BEFORE]
        by_task = [case for case in cases if case.way in BY_AIRFLOW]
        pods = [case for case in cases if case not in before and case not in by_task]
        tasks = self._start_tasks(by_task)
        for case in (peer, *pods):
            self._start(case)
        begun = [peer, *pods, *by_task]
        wait_until(lambda: self._all_run(begun), "the trainings to begin", timeout=BEGUN_S)
        with BREAKING[fault.outside]():
            for case in begun:
                self._let_go(case)
            ends = self._play(before) | self._watch([peer, *pods])
            ends |= self._finish_tasks(tasks)
        found = self._seen([peer, *cases], ends)
        self._forget([peer])
        found |= self._in_findings(pods, found)
        return _rows(cases, [peer], found)

    def _all_run(self, cases: Sequence[Case]) -> bool:
        with tracking(MINTED) as server:
            marks = {run.tags.get(MARK) for run in server.runs() if run.status == "RUNNING"}
        return {case.mark for case in cases} <= marks

    def _let_go(self, case: Case) -> None:
        where = ("-n", case.namespace)
        (pod,) = kubectl("get", "pods", *where, "-l", f"mark={case.mark}", "-o", "name").split()
        kubectl("exec", *where, pod, "-c", CONTAINER, "--", "touch", "/tmp/go")  # noqa: S108

    def _case(self, fault: Fault, way: Way | None) -> Case:
        self._count += 1
        return Case(fault, way, f"{self._session}-{self._count}")

    def _unmended(self, published: list[Case], peers: list[Case]) -> dict[str, Seen]:
        """While no operator is there: wrong bindings, and the pods without Mooring.

        The runs of the latter are deleted, so that the operator's findings are those of its own.
        """
        for case in published:
            apply(binding(case.name, case.namespace, case.namespace))
        for namespace in {case.namespace for case in published}:
            names = [case.name for case in published if case.namespace == namespace]
            wait_answered(names, namespace)
        try:
            with operator_stopped():
                for case in published:
                    publish(case.name, case.namespace, self._world.env(case.fault))
                found = self._seen([*published, *peers], self._play([*peers, *published]))
                self._forget(peers)
        finally:
            for case in published:
                kubectl("delete", "mlb", case.name, "-n", case.namespace, "--wait=false")
        return found

    def _forget(self, cases: Iterable[Case]) -> None:
        marks = {case.mark for case in cases}
        for workspace in (MINTED, KEYLESS):
            with tracking(workspace) as server:
                for run in server.runs():
                    if run.tags.get(MARK) in marks:
                        server.delete_run(run.run_id)

    def _seen(self, cases: Iterable[Case], ends: Mapping[str, End]) -> dict[str, Seen]:
        landed = kept((MINTED, KEYLESS))
        return {case.mark: seen(ends[case.mark], kept=case.mark in landed) for case in cases}

    # --- pods ---------------------------------------------------------------------------------

    def _play(self, cases: Sequence[Case]) -> dict[str, End]:
        """Start all pods, some at a time, and wait for the end of each."""
        return self._watch((), cases)

    def _watch(self, started: Sequence[Case], cases: Sequence[Case] = ()) -> dict[str, End]:
        """Wait for the end of each pod, of those that are `started` and of the others too."""
        waiting, ends = list(cases), dict[str, End]()
        going = {case.mark: case for case in started}
        deadline = time.monotonic() + LONGEST_S
        while waiting or going:
            while waiting and len(going) < AT_ONCE:
                case = waiting.pop(0)
                refused = self._start(case)
                if refused is None:
                    going[case.mark] = case
                else:
                    ends[case.mark] = refused
            fresh = ended(self._session) | self._refused(going)
            for mark in fresh.keys() & going.keys():
                _remove(going.pop(mark))
                ends[mark] = fresh[mark]
                say(f"    {len(ends)}/{len(started) + len(cases)} pods: {len(going)} under way")
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"pods have not ended: {', '.join(c.name for c in going.values())}"
                )
            time.sleep(1)
        return ends

    def _refused(self, going: Mapping[str, Case]) -> dict[str, End]:
        is_job = any(case.way is Way.JOB for case in going.values())
        return refused_jobs(self._session) if is_job else {}

    def _start(self, case: Case) -> End | None:
        """Make the pod; its end where the API server refuses it."""
        started = time.monotonic()
        try:
            kubectl(
                "create", "-f", "-", stdin=json.dumps(manifest(case, self._world, self._session))
            )
        except ClusterError as error:
            return refusal(str(error), time.monotonic() - started)
        return None

    # --- tasks of Airflow ---------------------------------------------------------------------

    def _start_tasks(self, cases: list[Case]) -> tuple[Started | None, list[Case]]:
        if self._jobs is None or not cases:
            return None, cases
        pods = [
            {
                "arguments": training(case, self._world),
                "binding": case.namespace,
                "env_vars": environment(case, self._world),
                "labels": {SESSION: self._session, "mark": case.mark},
            }
            for case in cases
        ]
        return self._jobs.start(MOORED, pods), cases

    def _finish_tasks(self, begun: tuple[Started | None, list[Case]]) -> dict[str, End]:
        started, cases = begun
        if self._jobs is None or started is None:
            return {}
        self._jobs.airflow.wait(started.dag_id, started.run_id)
        tasks = self._jobs.tasks(started, POD)
        return {
            case.mark: self._end_of(started, task) for case, task in zip(cases, tasks, strict=True)
        }

    def _end_of(self, started: Started, task: TaskInstance) -> End:
        assert self._jobs is not None
        if task.state == "success":
            return End(NOBODY, "", task.seconds or 0)
        return End(TASK, why_red(self._jobs.log(started, task)), task.seconds or 0)

    # --- what the operator found --------------------------------------------------------------

    def _in_findings(self, cases: list[Case], found: Mapping[str, Seen]) -> dict[str, Seen]:
        """The losses that nobody told of but the operator, in the status of a workspace."""
        silent = {case.mark: found[case.mark] for case in cases if found[case.mark].lost_silently}
        if not silent:
            return {}
        told = {}
        for workspace in (MINTED, KEYLESS):
            for mark, kind in _found_by_the_operator(workspace, silent.keys()).items():
                told[mark] = seen(End(FINDINGS, kind, AUDITED_EVERY_S), kept=False)
        return told


def _rows(cases: list[Case], peers: list[Case], found: Mapping[str, Seen]) -> list[Row]:
    without = {case.fault.name: found[case.mark] for case in peers}
    return [row(case, found[case.mark], without[case.fault.name]) for case in cases]


def _found_by_the_operator(workspace: str, marks: Collection[str]) -> dict[str, str]:
    """What `status.findings` says of the runs of these marks, after a look of the operator's."""
    with tracking(workspace) as server:
        runs = {run.run_id: run.tags[MARK] for run in server.runs() if run.tags.get(MARK) in marks}
    if not runs:
        return {}
    value = uuid.uuid4().hex
    kubectl("annotate", "mlw", workspace, "-n", workspace, f"faults={value}", "--overwrite")
    found: dict[str, str] = {}

    def all_there() -> bool:
        found.update(_found(workspace, runs))
        return found.keys() == set(runs.values())

    # what nobody can see is in no finding, however long one waits
    with suppress(ClusterError):
        wait_until(all_there, f"the findings of {workspace}", timeout=LOOK_S)
    return found


def _found(workspace: str, runs: Mapping[str, str]) -> dict[str, str]:
    status = get("mlw", workspace, workspace)["status"].get("findings", {})
    return {
        runs[entry["run"]]: f"{kind['type']}: {entry['detail']}"
        for kind in status.get("types", [])
        for entry in kind["newest"]
        if entry.get("run") in runs
    }


def _remove(case: Case) -> None:
    kind = "job" if case.way is Way.JOB else "pod"
    kubectl("delete", kind, case.name, "-n", case.namespace, "--wait=false")

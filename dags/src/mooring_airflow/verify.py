"""After the pod: did its run and its artifacts land? Asked of the server, never of the pod."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import httpx

from mooring import contract
from mooring.finding import Finding
from mooring_airflow import report
from mooring_airflow.checks import Expectation, first_finding
from mooring_airflow.errors import MooringError
from mooring_airflow.evidence import RUNNING, Evidence, Run, reference, roots
from mooring_airflow.gather import gather
from mooring_airflow.ref import MlflowRunRef
from mooring_airflow.tracking import Tracking

log = logging.getLogger(__name__)

VERIFY_PATIENCE_S: Final = 150.0
"""A server that is away for two minutes while the pod ends must not fail a good training."""

CLOSE_PATIENCE_S: Final = 5.0
"""Closing runs comes after a failure and must not hold it up."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a pod left behind: its run, if there is one, and what is wrong with it, if anything."""

    reference: MlflowRunRef | None
    finding: Finding | None


def verify(expected: Expectation) -> MlflowRunRef:
    """The reference of the run that landed; tells in the log what landed.

    Raises MooringError when something did not land, or could not be asked for.
    """
    evidence, finding = _examined(expected)
    if finding is not None:
        raise MooringError(finding)
    return _reference(expected, evidence)


def examine(expected: Expectation) -> Outcome:
    """As `verify`, but what did not land, or could not be asked for, is only told."""
    try:
        evidence, finding = _examined(expected)
    except MooringError as error:
        log.warning("%s", error)
        return Outcome(None, error.finding)
    return Outcome(_reference(expected, evidence) if evidence.runs else None, finding)


def _reference(expected: Expectation, evidence: Evidence) -> MlflowRunRef:
    binding = expected.binding
    return reference(evidence, binding.url, expected.require, binding.pages)


def _examined(expected: Expectation) -> tuple[Evidence, Finding | None]:
    """What a pod left behind, and what is wrong with it; told in the log, and on its runs as tags.

    Raises MooringError when it could not be asked for.
    """
    try:
        with _asked(expected, VERIFY_PATIENCE_S) as tracking:
            evidence = gather(tracking, expected.try_tags, expected.require)
            finding = first_finding(expected, evidence)
            _tag(tracking, evidence.runs, finding)
            if finding is not None:
                _close(tracking, evidence.runs, "FAILED")
    except httpx.HTTPError as error:
        raise MooringError(
            Finding(
                "VerificationImpossible",
                f"the pod ended well, but whether its "
                f"artifacts landed is unknown: the tracking server "
                f"{expected.binding.url} could not be asked "
                f"({type(error).__name__}: {error}). See: kubectl get pods -n "
                f"{expected.binding.workspace.partition('/')[0]}",
            )
        ) from error
    log.info("%s", report.ended(expected, evidence, finding))
    return evidence, finding


def close_runs(expected: Expectation, status: str, reason: str) -> None:
    """End every run that a failed or killed pod of this task instance has left RUNNING.

    One that the process itself has closed as KILLED gets the reason too (`mooring.training`).

    Also those of earlier tries whose worker died before it could: two tries never look alike.
    Logs and goes on when the tracking server cannot be asked: the pod's own failure is what counts.
    """
    try:
        with _asked(expected, CLOSE_PATIENCE_S) as tracking:
            runs = _of_all_tries(tracking, expected)
            mine = [run for run in runs if _was_cut_off(run) and is_of(run, expected.try_tags)]
            _tag(tracking, mine, Finding(reason, ""))
            _close(tracking, mine, status)
            _supersede(tracking, [r for r in runs if not is_of(r, expected.try_tags)], _main(mine))
    except (httpx.HTTPError, MooringError) as error:
        log.warning("Runs left RUNNING by %s were not closed: %s", expected.task, error)


def supersede_earlier_tries(expected: Expectation, by: str) -> None:
    """Mark the runs of earlier tries of this task instance as superseded by the run `by`.

    Also those that ended well, before the task was cleared; one that still says RUNNING is ended.
    Logs and goes on as `close_runs`.
    """
    try:
        with _asked(expected, CLOSE_PATIENCE_S) as tracking:
            runs = _of_all_tries(tracking, expected)
            _supersede(tracking, [r for r in runs if not is_of(r, expected.try_tags)], by)
    except (httpx.HTTPError, MooringError) as error:
        log.warning("Runs of earlier tries of %s were not closed: %s", expected.task, error)


def resumable(expected: Expectation) -> str:
    """Id of the run of an earlier try of this task instance, which is this try's from now on.

    Empty where there is none. MLflow gives a run that is resumed no tags, so it gets those of this
    try here, before the pod starts. Raises MooringError: without the answer, the pod would begin
    anew what it should continue.
    """
    try:
        with _asked(expected, VERIFY_PATIENCE_S) as tracking:
            run_id = _main(_of_all_tries(tracking, expected))
            for key, value in expected.tags.items() if run_id else ():
                tracking.set_tag(run_id, key, value)
            return run_id
    except httpx.HTTPError as error:
        raise MooringError(
            Finding(
                "ResumeImpossible",
                f"resume=True, and whether an earlier try of {expected.task} has left a run is "
                f"unknown: the tracking server {expected.binding.url} could not be asked "
                f"({type(error).__name__}: {error}). Try again, or remove resume=True to begin "
                "a new run.",
            )
        ) from error


def _asked(expected: Expectation, patience: float) -> Tracking:
    return Tracking.of(expected.binding, patience)


def _of_all_tries(tracking: Tracking, expected: Expectation) -> list[Run]:
    """The runs of the task instance, also those of earlier tries, latest first."""
    return [Run.of(found) for found in tracking.runs(expected.task_tags, tracking.experiments())]


def is_of(run: Run, tags: Mapping[str, str]) -> bool:
    """Whether `run` carries all of `tags`."""
    return all(run.tags.get(key) == value for key, value in tags.items())


def _was_cut_off(run: Run) -> bool:
    return run.status in (RUNNING, "KILLED")


def _tag(tracking: Tracking, runs: Sequence[Run], finding: Finding | None) -> None:
    for run in runs:
        if finding is None:
            tracking.set_tag(run.run_id, contract.TAG_VERIFIED, "true")
        else:
            tracking.set_tag(run.run_id, contract.TAG_FINDING, finding.reason)


def _close(tracking: Tracking, runs: Sequence[Run], status: str) -> None:
    for run in runs:
        if run.status == RUNNING:
            tracking.close_run(run.run_id, status, int(time.time() * 1000))


def _supersede(tracking: Tracking, runs: Sequence[Run], by: str) -> None:
    # Children of a search are found by their parent.
    for run in roots(runs) if by else ():
        if contract.TAG_SUPERSEDED_BY not in run.tags:
            tracking.set_tag(run.run_id, contract.TAG_SUPERSEDED_BY, by)
    left = [run for run in runs if run.status == RUNNING]
    _tag(tracking, left, Finding("Superseded", ""))
    _close(tracking, left, "FAILED")


def _main(runs: Sequence[Run]) -> str:
    """Id of the latest run that is no child of another; empty where there is none."""
    return next((run.run_id for run in roots(runs)), "")

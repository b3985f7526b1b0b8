"""After the pod: did its run and its artifacts land? Asked of the server, never of the pod.

Exit code 0 proves little: MLflow writes to a local file when its URI is lost, and autolog turns a
failed upload into a warning (the run says FINISHED, the logged model UPLOAD_FAILED).
"""

import logging
import posixpath
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from mooring import contract
from mooring.finding import Finding
from mooring.location import lies_under
from mooring_airflow import identity
from mooring_airflow.binding import Binding
from mooring_airflow.errors import MooringError
from mooring_airflow.evidence import FINISHED, READY, RUNNING, Evidence, Model, Run, reference
from mooring_airflow.tracking import Tracking

log = logging.getLogger(__name__)

VERIFY_PATIENCE_S: Final = 60.0
"""A tracking server that restarts while the pod ends must not fail a good training."""

CLOSE_PATIENCE_S: Final = 5.0
"""Closing runs comes after a failure and must not hold it up."""

MODEL_FILE: Final = "MLmodel"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must be there: runs with `tags`, below the binding's artifact root, and `require`."""

    binding: Binding
    tags: Mapping[str, str]
    require: Sequence[str]

    @property
    def task(self) -> str:
        """The task instance in words."""
        return identity.describe(self.tags)

    @property
    def try_tags(self) -> dict[str, str]:
        """The tags that only this try's pod has put on its runs."""
        return {key: self.tags[key] for key in identity.TRY_TAGS}


Check = Callable[[Expectation, Evidence], Finding | None]


def verify(expected: Expectation) -> dict[str, Any]:
    """The reference of the run that landed; the run is tagged with the outcome.

    Raises MooringError when something did not land, or could not be asked for.
    """
    try:
        with Tracking(expected.binding.url, VERIFY_PATIENCE_S) as tracking:
            evidence = gather(tracking, expected)
            finding = first_finding(expected, evidence)
            _tag(tracking, evidence.runs, finding)
            if finding is None:
                return reference(evidence, expected.binding.url, expected.require)
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
    raise MooringError(finding)


def close_runs(expected: Expectation, status: str, reason: str) -> None:
    """End every run that a failed or killed pod of this task instance has left RUNNING.

    Also those of earlier tries whose worker died before it could: two tries never look alike.
    Logs and goes on when the tracking server cannot be asked: the pod's own failure is what counts.
    """
    wanted = {key: expected.tags[key] for key in identity.TASK_INSTANCE_TAGS}
    try:
        with Tracking(expected.binding.url, CLOSE_PATIENCE_S) as tracking:
            left = [run for run in map(Run.of, tracking.runs(wanted)) if run.status == RUNNING]
            mine = [run for run in left if is_of(run, expected.try_tags)]
            _tag(tracking, mine, Finding(reason, ""))
            _close(tracking, mine, status)
            _supersede(tracking, [run for run in left if run not in mine])
    except httpx.HTTPError as error:
        log.warning("Runs left RUNNING by %s were not closed: %s", expected.task, error)


def supersede_earlier_tries(expected: Expectation) -> None:
    """End the runs that earlier tries of this task instance have left RUNNING, as `close_runs`."""
    wanted = {key: expected.tags[key] for key in identity.TASK_INSTANCE_TAGS}
    try:
        with Tracking(expected.binding.url, CLOSE_PATIENCE_S) as tracking:
            runs = [Run.of(found) for found in tracking.runs(wanted)]
            _supersede(tracking, [r for r in runs if not is_of(r, expected.try_tags)])
    except httpx.HTTPError as error:
        log.warning("Runs of earlier tries of %s were not closed: %s", expected.task, error)


def gather(tracking: Tracking, expected: Expectation) -> Evidence:
    """Ask the tracking server for all that the checks look at."""
    runs = [Run.of(found) for found in tracking.runs(expected.try_tags)]
    models = [
        Model.of(found, tracking.model_files(found["info"]["model_id"]))
        for found in (tracking.models(expected.try_tags) if runs else [])
    ]
    names = {model.name for model in models}
    paths = {
        path
        for path in expected.require
        if path not in names and any(_has(tracking, run, path) for run in runs)
    }
    return Evidence(runs, models, frozenset(paths))


def first_finding(expected: Expectation, evidence: Evidence) -> Finding | None:
    """What the first check finds that finds something."""
    return next(filter(None, (check(expected, evidence) for check in CHECKS)), None)


def has_run(expected: Expectation, evidence: Evidence) -> Finding | None:
    """There is a run of this try."""
    if evidence.runs:
        return None
    return Finding(
        "RunMissing",
        f"the pod finished with exit code 0, but workspace "
        f"{expected.binding.workspace} has no run of this task instance "
        f"({expected.task}). Likely causes: the code sets a tracking URI of its own "
        "(mlflow.set_tracking_uri), logs nothing to MLflow, or continues another run "
        "(MLFLOW_RUN_ID). Log at least one run, or use KubernetesPodOperator with the "
        f"label {contract.BINDING_LABEL} for a pod that only reads.",
    )


def is_finished(expected: Expectation, evidence: Evidence) -> Finding | None:
    """Every run that is no child of another says FINISHED."""
    for run in evidence.runs:
        if run.status != FINISHED and not run.nested:
            return Finding(
                "RunNotFinished",
                f"the pod finished with exit code 0, but its run "
                f"{run.name} ({run.run_id}) in workspace {expected.binding.workspace} "
                f"is {run.status}: the code caught an error inside the run, or ended "
                "without closing it. Let the error out, or call mlflow.end_run().",
            )
    return None


def runs_are_in_place(expected: Expectation, evidence: Evidence) -> Finding | None:
    """Every run keeps its artifacts below the workspace's artifact root."""
    root = expected.binding.artifact_root
    for run in evidence.runs:
        if not lies_under(run.artifact_uri, root):
            return Finding(
                "ArtifactsElsewhere",
                f"run {run.name} ({run.run_id}) keeps its "
                f"artifacts at {run.artifact_uri}, not under {root} of workspace "
                f"{expected.binding.workspace}: its experiment was made with an "
                "artifact_location of its own. Log to another experiment.",
            )
    return None


def models_are_there(expected: Expectation, evidence: Evidence) -> Finding | None:
    """Every logged model is READY, below the artifact root, and has its MLmodel file."""
    findings = (_model_finding(expected, model) for model in evidence.models)
    return next(filter(None, findings), None)


def _model_finding(expected: Expectation, model: Model) -> Finding | None:
    workspace, root = expected.binding.workspace, expected.binding.artifact_root
    what = f"logged model {model.name} ({model.model_id}) in workspace {workspace}"
    if model.status != READY:
        return Finding(
            "ModelNotReady",
            f"the pod finished with exit code 0, but {what} is {model.status}: its files did not "
            f"all reach the store, and autolog turns that into a warning. The cause stands in the "
            f"log of {expected.task} (search for WARNING mlflow).",
        )
    if not lies_under(model.artifact_uri, root):
        return Finding(
            "ArtifactsElsewhere",
            f"{what} lies at {model.artifact_uri}, not under {root}: its experiment was made with "
            "an artifact_location of its own. Log to another experiment.",
        )
    if not model.files.get(MODEL_FILE):
        return Finding(
            "ModelMissing",
            f"{what} says READY, but the store has no {MODEL_FILE} at {model.artifact_uri} (found: "
            f"{', '.join(model.files) or 'nothing'}): it was written elsewhere or deleted. Run "
            f"{expected.task} again.",
        )
    return None


def required_are_there(expected: Expectation, evidence: Evidence) -> Finding | None:
    """Everything in `require` is the name of a logged model or the path of an artifact."""
    there = {model.name for model in evidence.models} | evidence.paths
    missing = [name for name in expected.require if name not in there]
    if not missing:
        return None
    found = ", ".join(sorted(there)) or "none"
    return Finding(
        "RequiredMissing",
        f"{', '.join(missing)} did not land in workspace "
        f"{expected.binding.workspace}: no run of {expected.task} has a logged model or "
        f"an artifact of that name (logged models and required artifacts found: "
        f"{found}). Log it, or correct the task's require.",
    )


CHECKS: Final[tuple[Check, ...]] = (
    has_run,
    is_finished,
    runs_are_in_place,
    models_are_there,
    required_are_there,
)
"""In this order: the first finding is the task's error."""


def is_of(run: Run, tags: Mapping[str, str]) -> bool:
    """Whether `run` carries all of `tags`."""
    return all(run.tags.get(key) == value for key, value in tags.items())


def _has(tracking: Tracking, run: Run, path: str) -> bool:
    wanted = path.rstrip("/")
    entries = tracking.artifacts(run.run_id, posixpath.dirname(wanted))
    return any(entry["path"] == wanted for entry in entries)


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


def _supersede(tracking: Tracking, runs: Sequence[Run]) -> None:
    left = [run for run in runs if run.status == RUNNING]
    _tag(tracking, left, Finding("Superseded", ""))
    _close(tracking, left, "KILLED")

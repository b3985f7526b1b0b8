"""What must hold of a pod's run, models and artifacts: pure checks, the first finding counts.

Exit code 0 proves little: MLflow writes to a local file when its URI is lost, and autolog turns a
failed upload into a warning (the run says FINISHED, the logged model UPLOAD_FAILED).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mooring import contract
from mooring.finding import Finding
from mooring.location import lies_under
from mooring_airflow import identity
from mooring_airflow.binding import Binding
from mooring_airflow.evidence import FINISHED, READY, Evidence, Model, roots
from mooring_airflow.require import Requirement

MODEL_FILE: Final = "MLmodel"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must be there: runs with `tags`, below the binding's artifact root, and `require`."""

    binding: Binding
    tags: Mapping[str, str]
    require: Sequence[Requirement]

    @property
    def task(self) -> str:
        """The task instance in words."""
        return identity.describe(self.tags)

    @property
    def task_tags(self) -> dict[str, str]:
        """The tags that all tries of the task instance put on their runs."""
        return {key: self.tags[key] for key in identity.TASK_INSTANCE_TAGS}

    @property
    def try_tags(self) -> dict[str, str]:
        """The tags that only this try's pod has put on its runs."""
        return {key: self.tags[key] for key in identity.TRY_TAGS}


Check = Callable[[Expectation, Evidence], Finding | None]


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
    for run in roots(evidence.runs):
        if run.status != FINISHED:
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


def models_are_ready(expected: Expectation, evidence: Evidence) -> Finding | None:
    """Every logged model is READY."""
    for model in evidence.models:
        if model.status != READY:
            return Finding(
                "ModelNotReady",
                f"the pod finished with exit code 0, but {_named(expected, model)} is "
                f"{model.status}: its files did not all reach the store, and autolog turns that "
                f"into a warning. The cause stands in the log of {expected.task} (search for "
                "WARNING mlflow).",
            )
    return None


def store_is_listed(expected: Expectation, evidence: Evidence) -> Finding | None:
    """The tracking server can list what is in the store."""
    if not evidence.unlisted:
        return None
    namespace, _, name = expected.binding.workspace.partition("/")
    return Finding(
        "StoreNotListed",
        f"the pod finished with exit code 0, but the tracking server {expected.binding.url} cannot "
        f"list {expected.binding.artifact_root} ({evidence.unlisted}), so nobody can say that the "
        "artifacts landed. Its role or key was revoked, or the bucket is gone; see: kubectl "
        f"describe mlflowworkspace {name} -n {namespace}",
    )


def models_are_there(expected: Expectation, evidence: Evidence) -> Finding | None:
    """Every logged model lies below the artifact root and has its MLmodel file."""
    findings = (_model_finding(expected, model) for model in evidence.models)
    return next(filter(None, findings), None)


def _model_finding(expected: Expectation, model: Model) -> Finding | None:
    root, what = expected.binding.artifact_root, _named(expected, model)
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


def _named(expected: Expectation, model: Model) -> str:
    workspace = expected.binding.workspace
    return f"logged model {model.name} ({model.model_id}) in workspace {workspace}"


def required_are_there(expected: Expectation, evidence: Evidence) -> Finding | None:
    """Everything in `require` is there, as many and as large as it says."""
    lacking = {r: evidence.sizes(r) for r in expected.require if not r.enough(evidence.sizes(r))}
    if not lacking:
        return None
    missing = ", ".join(_lacking(wanted, sizes) for wanted, sizes in lacking.items())
    there = sorted({model.name for model in evidence.models} | set(evidence.files))
    return Finding(
        "RequiredMissing",
        f"{missing} did not land in workspace "
        f"{expected.binding.workspace}: no run of {expected.task} has a logged model or "
        f"an artifact of that name (logged models and required artifacts found: "
        f"{', '.join(there) or 'none'}). Log it, or correct the task's require.",
    )


def _lacking(wanted: Requirement, sizes: Sequence[int]) -> str:
    return f"{wanted} (found {len(sizes)}, {sum(sizes)} bytes)" if sizes else str(wanted)


CHECKS: Final[tuple[Check, ...]] = (
    has_run,
    models_are_ready,
    is_finished,
    runs_are_in_place,
    store_is_listed,
    models_are_there,
    required_are_there,
)
"""In this order: the first finding is the task's error."""

"""What the tracking server holds of one task instance, as typed values."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from mooring_airflow.tracking import Json

READY: Final = "LOGGED_MODEL_READY"
FINISHED: Final = "FINISHED"
RUNNING: Final = "RUNNING"

PARENT_TAG: Final = "mlflow.parentRunId"


@dataclass(frozen=True, slots=True)
class Run:
    """A run; `metrics` are the last values, None where they are not finite."""

    run_id: str
    experiment_id: str
    name: str
    status: str
    artifact_uri: str
    start_time: int
    tags: Mapping[str, str]
    metrics: Mapping[str, float | None]

    @classmethod
    def of(cls, found: Json) -> "Run":
        """Read a run of MLflow's REST API."""
        info, data = found["info"], found.get("data", {})
        return cls(
            run_id=info["run_id"],
            experiment_id=info["experiment_id"],
            name=info.get("run_name", ""),
            status=info["status"],
            artifact_uri=info["artifact_uri"],
            start_time=int(info.get("start_time", 0)),
            tags={tag["key"]: tag["value"] for tag in data.get("tags", [])},
            metrics={m["key"]: finite(m["value"]) for m in data.get("metrics", [])},
        )

    @property
    def nested(self) -> bool:
        """Whether this is the child of another run, as a search over hyperparameters makes them."""
        return PARENT_TAG in self.tags


@dataclass(frozen=True, slots=True)
class Model:
    """A logged model; `files` are those at its top, asked for only when it is READY.

    `run_id` is empty for one without a run.
    """

    model_id: str
    name: str
    status: str
    artifact_uri: str
    run_id: str
    files: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, found: Json) -> "Model":
        """Read a logged model of MLflow's REST API, without its files."""
        info = found["info"]
        return cls(
            model_id=info["model_id"],
            name=info.get("name", ""),
            status=info["status"],
            artifact_uri=info["artifact_uri"],
            run_id=info.get("source_run_id", ""),
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a pod left behind: runs and models, latest first, and which required paths are there.

    `unlisted` is what the tracking server said when it could not list the store; empty when it
    could.
    """

    runs: Sequence[Run]
    models: Sequence[Model]
    paths: frozenset[str] = frozenset()
    unlisted: str = ""

    @property
    def main_run(self) -> Run:
        """The run that stands for the pod: its latest one that is no child of another."""
        return next((run for run in self.runs if not run.nested), self.runs[0])


def finite(value: Any) -> float | None:
    """A metric as JSON can hold it: None for NaN and the infinities.

    MLflow answers NaN as a string; SQL stores keep the infinities as the largest double, which
    is left as it is.
    """
    number = float(value)
    return number if math.isfinite(number) else None


def reference(evidence: Evidence, url: str, prefer: Sequence[str]) -> Json:
    """What the next task is handed: the main run and its model.

    The model is the one that `prefer` names first, else the latest. It is handed on as
    `models:/<id>`: a `runs:/` URI may take minutes to resolve (facts: mlflow.md d12).
    """
    run = evidence.main_run
    by_name = {model.name: model for model in reversed(evidence.models)}
    preferred = [by_name[name] for name in prefer if name in by_name]
    model = next(iter([*preferred, *evidence.models]), None)
    return {
        "run_id": run.run_id,
        "experiment_id": run.experiment_id,
        "artifact_uri": run.artifact_uri,
        "status": run.status,
        "metrics": dict(run.metrics),
        "url": f"{url}/#/experiments/{run.experiment_id}/runs/{run.run_id}",
        "model_id": model.model_id if model else None,
        "model_uri": f"models:/{model.model_id}" if model else None,
        "model_name": model.name if model else None,
    }

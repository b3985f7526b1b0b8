"""What the tracking server holds of one task instance, as typed values."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from mooring_airflow.ref import MlflowRunRef
from mooring_airflow.require import Requirement
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
    def parent(self) -> str:
        """Id of the run that this is a child of; empty where there is none."""
        return self.tags.get(PARENT_TAG, "")


def roots(runs: Sequence[Run]) -> list[Run]:
    """Those that are no child of another of `runs`, as a search over hyperparameters makes them.

    A parent from elsewhere, which an author may give to all runs of a DAG, makes none of them a
    child: each still stands for its own pod.
    """
    ids = {run.run_id for run in runs}
    return [run for run in runs if run.parent not in ids]


@dataclass(frozen=True, slots=True)
class Model:
    """A logged model; its `files` are asked for only when it is READY.

    `run_id` is empty for one without a run; `flavors` are read where somebody requires one.
    """

    model_id: str
    name: str
    status: str
    artifact_uri: str
    run_id: str
    files: Mapping[str, int] = field(default_factory=dict)
    flavors: frozenset[str] = frozenset()

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(self.files.values())

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
    """What a pod left behind: runs and models, latest first, and their artifacts.

    `files` are those of its runs that `require` means, `top` is what lies at the top of its main
    run: sizes by path, that of a folder is None. `unlisted` is what the tracking server said when
    it could not list the store; empty when it could. `registered` are name and version of what was
    registered from the main run, the newest first.
    """

    runs: Sequence[Run]
    models: Sequence[Model]
    files: Mapping[str, int] = field(default_factory=dict)
    top: Mapping[str, int | None] = field(default_factory=dict)
    unlisted: str = ""
    experiment_name: str = ""
    registered: Sequence[tuple[str, str]] = ()

    @property
    def main_run(self) -> Run:
        """The run that stands for the pod: its latest one that is no child of another."""
        return next(iter(roots(self.runs)), self.runs[0])

    @property
    def peers(self) -> list[Run]:
        """The runs that could stand for the pod as well: neither the main one nor a child."""
        return roots(self.runs)[1:]

    def sizes(self, requirement: Requirement) -> list[int]:
        """The sizes of the models and files that `requirement` means."""
        wanted = requirement.flavor
        models = [
            model.size
            for model in self.models
            if requirement.matches(model.name) and (not wanted or wanted in model.flavors)
        ]
        files = [] if wanted else [s for path, s in self.files.items() if requirement.matches(path)]
        return models + files


def finite(value: Any) -> float | None:
    """A metric as JSON can hold it: None for NaN and the infinities.

    MLflow answers NaN as a string; SQL stores keep the infinities as the largest double, which
    is left as it is.
    """
    number = float(value)
    return number if math.isfinite(number) else None


def reference(
    evidence: Evidence, url: str, prefer: Sequence[Requirement], pages: str = ""
) -> MlflowRunRef:
    """What the next task is handed: the main run and its model.

    `url` is the tracking server's; people open its `pages` where that is another address.

    The model is the one that `prefer` means first, else the latest; one of the main run comes
    before those of other runs. It is handed on as
    `models:/<id>`: a `runs:/` URI may take minutes to resolve (facts: mlflow.md d12).
    """
    run = evidence.main_run
    models = sorted(evidence.models, key=lambda model: model.run_id != run.run_id)
    preferred = (m for wanted in prefer for m in models if wanted.matches(m.name))
    model = next(chain(preferred, models), None)
    name, version = next(iter(evidence.registered), (None, None))
    return MlflowRunRef(
        run_id=run.run_id,
        experiment_id=run.experiment_id,
        experiment_name=evidence.experiment_name,
        tracking_uri=url,
        artifact_uri=run.artifact_uri,
        status=run.status,
        ui_url=f"{pages or url}/#/experiments/{run.experiment_id}/runs/{run.run_id}",
        model_id=model.model_id if model else None,
        model_uri=f"models:/{model.model_id}" if model else None,
        model_name=model.name if model else None,
        registered_model=name,
        registered_version=version,
        metrics=dict(run.metrics),
    )

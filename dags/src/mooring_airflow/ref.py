"""What one task hands the next: a run, and the model that it logged."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from mooring import contract
from mooring.finding import Finding
from mooring_airflow.errors import MooringError


@dataclass(frozen=True, slots=True)
class MlflowRunRef:
    """A run of a task instance; as XCom `mlflow_run` a dict of the same keys.

    `model_uri` is `models:/m-…`, what every `load_model` takes. `metrics` are the last values, None
    for NaN and the infinities. Of `registered_model` the newest version of this run is named. What
    there is none of is None.
    """

    run_id: str
    experiment_id: str
    experiment_name: str
    tracking_uri: str
    artifact_uri: str
    status: str
    ui_url: str
    model_id: str | None = None
    model_uri: str | None = None
    model_name: str | None = None
    registered_model: str | None = None
    registered_version: str | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """What is pushed as XCom."""
        return {**asdict(self), "metrics": dict(self.metrics)}

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "MlflowRunRef":
        """Read what was pulled as XCom; keys that it does not know are passed over."""
        return cls(**{f.name: found[f.name] for f in fields(cls) if f.name in found})

    @classmethod
    def from_ti(
        cls,
        ti: Any,
        task_id: str,
        *,
        map_index: int = -1,
        binding: str | None = None,
        kubernetes_conn_id: str = "kubernetes_default",
    ) -> "MlflowRunRef":
        """The run of task `task_id` in the DAG run of `ti`, a task instance on the worker.

        By XCom; where that has none, by the tags of the run on the tracking server of `binding`
        (`namespace/name`), so that nothing depends on XCom. Raises MooringError.
        """
        found = ti.xcom_pull(task_ids=task_id, key=contract.XCOM_KEY, map_indexes=map_index)
        if found:
            return cls.of(found)
        task = f"task {ti.dag_id}.{task_id}, run {ti.run_id}"
        if binding is None:
            raise MooringError(
                Finding(
                    "NoReference",
                    f"{task} has pushed no XCom {contract.XCOM_KEY}: it did not end well, or is no "
                    "task of MlflowPodOperator. Name its binding to have it found by tags.",
                )
            )
        # Only here: who reads an XCom needs neither Kubernetes nor HTTP.
        from mooring_airflow.lookup import find_run  # noqa: PLC0415

        tags = {
            contract.TAG_DAG_ID: ti.dag_id,
            contract.TAG_RUN_ID: ti.run_id,
            contract.TAG_TASK_ID: task_id,
            contract.TAG_MAP_INDEX: str(map_index),
        }
        return find_run(tags, binding, kubernetes_conn_id)

"""What Airflow's own database knows of the MLflow runs of one DAG run. Asks nobody else."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Final

from airflow.models.dagrun import DagRun
from airflow.models.renderedtifields import RenderedTaskInstanceFields as Rendered
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from mooring import contract
from mooring_airflow.binding_choice import chosen, named_by_dag
from mooring_airflow.policy import read_settings

ALWAYS_RENDERED: Final = "base_container_name"
"""A template field that each KubernetesPodOperator has, and is never empty."""

Instance = tuple[str, int]
"""Task id and map index."""


@dataclass(frozen=True, slots=True)
class Task:
    """A task instance; `binding` is empty where it named none, or has not begun.

    `reference` is the XCom `mlflow_run`: there only when the run was verified, since Airflow drops
    the XComs of an earlier try. Empty where there is none, or where an XCom backend keeps it.
    """

    task_id: str
    map_index: int
    map_name: str
    state: str
    try_number: int
    binding: str
    reference: Mapping[str, Any] = field(default_factory=dict)

    @property
    def instance(self) -> Instance:
        """What tells it from the others of its DAG run."""
        return self.task_id, self.map_index


@dataclass(frozen=True, slots=True)
class Recorded:
    """A DAG run: its state, and all of its task instances."""

    dag_id: str
    run_id: str
    state: str
    tasks: tuple[Task, ...]


def read_dag_run(session: Session, dag_id: str, run_id: str) -> Recorded | None:
    """The DAG run as `session` has it; None where there is none."""
    of_run = (DagRun.dag_id == dag_id, DagRun.run_id == run_id)
    run = session.execute(select(DagRun.state).where(*of_run)).one_or_none()
    if run is None:
        return None
    bindings, references = _bindings(session, dag_id, run_id), _references(session, dag_id, run_id)
    # The mapped attribute of the column has no public name.
    columns = (
        TaskInstance.task_id,
        TaskInstance.map_index,
        TaskInstance._rendered_map_index,
        TaskInstance.state,
        TaskInstance.try_number,
    )
    of_tasks = (TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id)
    found = session.execute(select(*columns).where(*of_tasks))
    tasks = tuple(
        Task(
            task_id=task_id,
            map_index=map_index,
            map_name=map_name or "",
            state=state or "",
            try_number=try_number,
            binding=bindings.get((task_id, map_index), ""),
            reference=references.get((task_id, map_index), {}),
        )
        for task_id, map_index, map_name, state, try_number in found
    )
    return Recorded(dag_id, run_id, str(run.state), tasks)


def _bindings(session: Session, dag_id: str, run_id: str) -> dict[Instance, str]:
    """The bindings of the task instances that have begun, as their workers chose them.

    By `binding=`, by the label, or for the pods of a KubernetesPodOperator as Airflow's policy does
    (`mooring_airflow.policy`).
    """
    fields = Rendered.rendered_fields
    columns = (
        Rendered.task_id,
        Rendered.map_index,
        fields["binding"].as_string(),
        fields[("labels", contract.BINDING_LABEL)].as_string(),
        fields[("labels", contract.SKIP_LABEL)].as_string(),
        fields["namespace"].as_string(),
        fields[ALWAYS_RENDERED].as_string(),
    )
    wanted = (Rendered.dag_id == dag_id, Rendered.run_id == run_id)
    by_dag = cache(partial(_named_by_dag, session, dag_id, run_id))
    bindings = {}
    for task_id, index, argument, label, skip, namespace, pod in session.execute(
        select(*columns).where(*wanted)
    ):
        binding = argument or label or ""
        if not binding and pod:
            labels = {contract.SKIP_LABEL: skip or ""}
            binding = _by_policy(labels, namespace or "", by_dag())
        bindings[task_id, index] = binding
    return bindings


def _by_policy(labels: Mapping[str, str], namespace: str, by_dag: str) -> str:
    try:
        return chosen(labels, namespace, by_dag, read_settings)
    except ValueError:
        # The task has failed for it, and its log has the sentence.
        return ""


def _named_by_dag(session: Session, dag_id: str, run_id: str) -> str:
    """The binding that the DAG names, by its params or tags, for this run of it."""
    dag = SerializedDagModel.get_dag(dag_id, session=session)
    if dag is None:
        return ""
    of_run = (DagRun.dag_id == dag_id, DagRun.run_id == run_id)
    given = session.scalar(select(DagRun.conf).where(*of_run))
    return named_by_dag({**dag.params.dump(), **(given or {})}, dag.tags)


def _references(session: Session, dag_id: str, run_id: str) -> dict[Instance, Mapping[str, Any]]:
    wanted = (
        XComModel.dag_id == dag_id,
        XComModel.run_id == run_id,
        XComModel.key == contract.XCOM_KEY,
    )
    columns = (XComModel.task_id, XComModel.map_index, XComModel.value)
    found = session.execute(select(*columns).where(*wanted))
    return {(task_id, map_index): _reference(value) for task_id, map_index, value in found}


def _reference(value: Any) -> Mapping[str, Any]:
    """An XCom as the reference of a run: tasks have it kept as it is, Airflow's own code as text.

    Empty where it is none.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) and isinstance(value.get("run_id"), str) else {}

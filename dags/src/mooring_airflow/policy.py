"""Airflow's policy: what pods get whose DAG says nothing of MLflow in code.

Airflow loads this module by its entry point `airflow.policy` in every process, so it imports next
to nothing. The pod's label is enough: the API server's admission policy merges the binding in. What
Airflow alone knows, the tags of the task instance, goes into the environment here.

`pod_mutation_hook` is given the pod and nothing else. It runs in the process of the task, where
Airflow has put what `get_airflow_context_vars` returns into the environment just before, for mapped
tasks too (docs/decisions/0014-how-the-policy-learns-of-the-dag.md).
"""

import json
import logging
import os
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow.configuration import conf
from airflow.policies import hookimpl

from mooring import contract
from mooring.training.tags import tags_of
from mooring_airflow import identity
from mooring_airflow.binding_choice import EXPERIMENT_PARAM, Settings, chosen, named_by_dag

if TYPE_CHECKING:
    from kubernetes.client import models as k8s

log = logging.getLogger(__name__)

SECTION: Final = "mooring"

PREFIX: Final = "AIRFLOW_CTX_"
"""What Airflow puts before the names below, written in capitals (`context_to_airflow_vars`)."""
BINDING: Final = "mlflow_binding"
EXPERIMENT: Final = "mlflow_experiment"
RUN_CONTEXT: Final = contract.AIRFLOW_RUN_CONTEXT.removeprefix(PREFIX).lower()

OPERATOR_LABEL: Final = "kubernetes_pod_operator"
EXECUTOR_LABEL: Final = "kubernetes_executor"
EXECUTOR_ANNOTATIONS: Final = {
    contract.TAG_DAG_ID: "dag_id",
    contract.TAG_RUN_ID: "run_id",
    contract.TAG_TASK_ID: "task_id",
    contract.TAG_MAP_INDEX: "map_index",
    contract.TAG_TRY_NUMBER: "try_number",
}
"""What the KubernetesExecutor says of a task instance on its worker pods, as annotations."""


@hookimpl(wrapper=True)
def get_airflow_context_vars(
    context: Mapping[str, Any],
) -> Generator[None, dict[str, str], dict[str, str]]:
    """Add what the DAG says of MLflow, and the run tags, to the environment of the task's process.

    A wrapper, because Airflow takes the first answer alone: another policy's stay. All names are
    always there, as one process may run one task after the other (`dag.test()`).
    """
    others = yield
    return {**others, **_context_vars(context)}


@hookimpl
def pod_mutation_hook(pod: "k8s.V1Pod") -> None:
    """Give the pod of a KubernetesPodOperator its binding's label, run tags and experiment.

    Worker pods of the KubernetesExecutor too, where `[mooring] executor_pods` says so. Raises
    ValueError where the DAG names several bindings, or one of another namespace.
    """
    labels = pod.metadata.labels or {}
    by_operator = labels.get(OPERATOR_LABEL) == "True"
    if not by_operator and not (labels.get(EXECUTOR_LABEL) == "True" and _executor_pods()):
        return
    by_dag = _told(BINDING) if by_operator else ""
    binding = chosen(labels, pod.metadata.namespace or "", by_dag, read_settings)
    if not binding:
        return
    pod.metadata.labels = {**labels, contract.BINDING_LABEL: binding}
    annotations = pod.metadata.annotations or {}
    tags = {
        **(tags_of(_told(RUN_CONTEXT)) if by_operator else _executor_tags(annotations)),
        contract.TAG_BINDING: f"{pod.metadata.namespace}/{binding}",
        contract.TAG_POD: contract.POD_REFERENCE,
    }
    experiment = _told(EXPERIMENT) if by_operator else ""
    skipped = contract.skipped_containers(annotations)
    for container in (*(pod.spec.init_containers or []), *pod.spec.containers):
        if container.name not in skipped:
            _inform(container, tags, experiment)


def read_settings() -> Settings:
    """What Airflow's configuration says in section `mooring`; raises ValueError."""
    by_namespace = conf.getjson(SECTION, "namespace_bindings", fallback={}) or {}
    if not isinstance(by_namespace, dict):
        raise ValueError(
            f"Airflow's setting [{SECTION}] namespace_bindings is a JSON "
            f"{type(by_namespace).__name__}: write an object from namespaces to bindings, "
            '{"team-a": "models"}'
        )
    return Settings(conf.get(SECTION, "default_binding", fallback=""), by_namespace)


def _executor_pods() -> bool:
    return conf.getboolean(SECTION, "executor_pods", fallback=False)


def _context_vars(context: Mapping[str, Any]) -> dict[str, str]:
    params = context.get("params") or {}
    try:
        return {
            BINDING: named_by_dag(params, getattr(context.get("dag"), "tags", None) or ()),
            EXPERIMENT: str(params.get(EXPERIMENT_PARAM) or ""),
            RUN_CONTEXT: json.dumps(identity.context_tags(context)),
        }
    except Exception:
        # Airflow asks for every task, and most have nothing to do with MLflow.
        log.exception("The task's MLflow binding and run tags are not known to its pods")
        return {BINDING: "", EXPERIMENT: "", RUN_CONTEXT: ""}


def _told(name: str) -> str:
    """What `get_airflow_context_vars` said of the task of this process."""
    return os.environ.get(PREFIX + name.upper(), "")


def _executor_tags(annotations: Mapping[str, str]) -> dict[str, str]:
    said = {tag: annotations.get(name, "") for tag, name in EXECUTOR_ANNOTATIONS.items()}
    return {**said, contract.TAG_MAP_INDEX: said[contract.TAG_MAP_INDEX] or identity.UNMAPPED}


def _inform(container: "k8s.V1Container", tags: Mapping[str, str], experiment: str) -> None:
    """Set the run tags in the environment of `container`, and the experiment where it has none."""
    from kubernetes.client import models as k8s  # noqa: PLC0415 (loaded by who made the pod)

    env = list(container.env or [])
    others = next((e.value or "" for e in env if e.name == contract.RUN_CONTEXT), "")
    # Without it each of them makes a configuration of the client, in 0.2 ms.
    same: dict[str, Any] = {"local_vars_configuration": container.local_vars_configuration}
    name = k8s.V1ObjectFieldSelector(field_path="metadata.name", **same)
    source = k8s.V1EnvVarSource(field_ref=name, **same)
    context = identity.run_context(tags, others)
    ours = [
        # First: a value may only refer to what stands before it.
        k8s.V1EnvVar(name=contract.POD_NAME, value_from=source, **same),
        k8s.V1EnvVar(name=contract.RUN_CONTEXT, value=context, **same),
    ]
    if experiment and all(e.name != contract.EXPERIMENT_NAME for e in env):
        ours.append(k8s.V1EnvVar(name=contract.EXPERIMENT_NAME, value=experiment, **same))
    replaced = {contract.POD_NAME, contract.RUN_CONTEXT}
    container.env = [*(e for e in env if e.name not in replaced), *ours]

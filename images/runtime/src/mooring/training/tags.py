"""The tags by which a run says whose it is, out of a process's environment. Imports no MLflow.

`contract.RUN_CONTEXT` comes first: whoever started the pod wrote it (`MlflowPodOperator` does), and
MLflow itself puts it on every run. What it does not name is taken from the binding, from the host,
and in a pod that is itself an Airflow worker from what Airflow tells the code of a task.
"""

import json
from collections.abc import Mapping
from typing import Final

from mooring import contract

AIRFLOW_VARIABLES: Final = {
    contract.TAG_DAG_ID: "AIRFLOW_CTX_DAG_ID",
    contract.TAG_RUN_ID: "AIRFLOW_CTX_DAG_RUN_ID",
    contract.TAG_TASK_ID: "AIRFLOW_CTX_TASK_ID",
    contract.TAG_TRY_NUMBER: "AIRFLOW_CTX_TRY_NUMBER",
    contract.TAG_LOGICAL_DATE: "AIRFLOW_CTX_LOGICAL_DATE",
}
"""What Airflow sets where the task's own process trains (airflow.sdk, AIRFLOW_VAR_NAME_FORMAT_…).

The pods of a KubernetesPodOperator do not get them. Map index, log URL and owner are told by
`contract.AIRFLOW_RUN_CONTEXT` alone, which is there where `mooring-airflow` is.
"""


def is_bound(environ: Mapping[str, str]) -> bool:
    """Whether the process was given an MlflowBinding."""
    return bool(environ.get(contract.WORKSPACE) and environ.get(contract.BINDING))


def run_tags(environ: Mapping[str, str], host: str) -> dict[str, str]:
    """The tags of a run of a bound process on `host`, without those that MLflow sets by itself."""
    named = tags_of(environ.get(contract.RUN_CONTEXT, ""))
    # one task instance names all of it: two halves of two would be nobody's
    task = {} if contract.TAG_DAG_ID in named else _task_instance(environ)
    own = {
        contract.TAG_WORKSPACE: environ.get(contract.WORKSPACE, ""),
        contract.TAG_BINDING: _binding(environ),
        contract.TAG_POD: host,
        **task,
    }
    return {name: value for name, value in own.items() if value and name not in named}


def tags_of(run_context: str) -> dict[str, str]:
    """The tags in a value of `contract.RUN_CONTEXT`; {} where it is no JSON object, as MLflow."""
    try:
        found = json.loads(run_context or "{}")
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def _task_instance(environ: Mapping[str, str]) -> dict[str, str]:
    told = tags_of(environ.get(contract.AIRFLOW_RUN_CONTEXT, ""))
    return told or {tag: environ.get(name, "") for tag, name in AIRFLOW_VARIABLES.items()}


def _binding(environ: Mapping[str, str]) -> str:
    namespace = environ.get(contract.NAMESPACE)
    return f"{namespace}/{environ.get(contract.BINDING, '')}" if namespace else ""

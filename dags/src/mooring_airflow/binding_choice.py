"""Which binding a pod gets that Airflow starts, when its operator names none. Pure, imports little.

The nearer to the pod the stronger, as with labels and defaults in Kubernetes: the pod's own label,
the DAG's param, the DAG's tag, Airflow's settings. So a DAG tag may stand for all tasks of a DAG,
and one task may differ by its label.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mooring import contract
from mooring_airflow.binding_name import BindingName

BINDING_PARAM: Final = "mlflow_binding"
"""Name of the DAG param that names a binding."""
EXPERIMENT_PARAM: Final = "mlflow_experiment"
"""Name of the DAG param that names an experiment."""
TAG_PREFIX: Final = "mlflow:"
"""What a DAG tag begins with that names a binding."""
BETWEEN: Final = ","
"""What stands between the names where a DAG has several tags."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What Airflow's settings name, section `mooring` (`get_provider_info`)."""

    default_binding: str = ""
    namespace_bindings: Mapping[str, str] = field(default_factory=dict)

    def named(self, namespace: str) -> str:
        """The binding for pods in `namespace`."""
        return self.namespace_bindings.get(namespace) or self.default_binding


def named_by_dag(params: Mapping[str, Any], tags: Iterable[str]) -> str:
    """The binding that a DAG names by its param, else by its tag; empty where it names none.

    Several tags give several names with `BETWEEN` between them, which `chosen` refuses once a pod
    is to be started: the other tasks of that DAG may go on.
    """
    by_param = str(params.get(BINDING_PARAM) or "").strip()
    by_tag = {tag.removeprefix(TAG_PREFIX) for tag in tags if tag.startswith(TAG_PREFIX)}
    return by_param or BETWEEN.join(sorted(by_tag))


def chosen(
    labels: Mapping[str, str], namespace: str, by_dag: str, settings: Callable[[], Settings]
) -> str:
    """The name of the binding of a pod with `labels` in `namespace`; empty where it gets none.

    `settings` are asked for only where nothing nearer names one.

    Raises ValueError where the DAG names several bindings, or one of another namespace.
    """
    if labels.get(contract.SKIP_LABEL) == "true":
        return ""
    if own := labels.get(contract.BINDING_LABEL):
        return own
    if BETWEEN in by_dag:
        raise ValueError(
            f"the DAG names several bindings, {by_dag.replace(BETWEEN, ' and ')}, and a pod gets "
            f"one: keep one tag {TAG_PREFIX}NAME, or name one in the DAG's param "
            f"{BINDING_PARAM} or in the task's labels ({contract.BINDING_LABEL})"
        )
    wanted = by_dag or settings().named(namespace)
    return BindingName.parse(wanted, namespace).name if wanted else ""

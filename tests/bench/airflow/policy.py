"""What Airflow's policy costs: each pod, and every process of Airflow when it starts."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Final

from airflow.sdk.execution_time.context import context_to_airflow_vars
from airflow.settings import get_policy_plugin_manager
from kubernetes.client import models as k8s

from mooring import contract
from tests.bench.figures import Figure, middle

POLICIES: Final = get_policy_plugin_manager().hook
"""What Airflow calls, with all the policies that are installed."""

PODS: Final = 1000
STARTS: Final = 3
POD_GOAL_MS: Final = 1.0
START_GOAL_MS: Final = 50.0

ENTRIES: Final = ("mooring_airflow.policy", "mooring_airflow.provider", "mooring_airflow.plugin")
"""What every process of Airflow imports: the entry points of dags/pyproject.toml."""
START: Final = f"import airflow.settings, airflow.plugins_manager, {', '.join(ENTRIES)}"
HEAVY: Final = re.compile(r"(kubernetes|mlflow|httpx|yaml|tenacity|airflow\.providers)(\.|$)")
"""What none of them may bring along."""
IMPORTED: Final = re.compile(r"import time: +\d+ \| +(\d+) \|( +)(\S+)")


def hook() -> Figure:
    """Milliseconds of `pod_mutation_hook` for one pod, all that Airflow calls by that name."""
    context = _context()
    os.environ.update(context_to_airflow_vars(context, in_env_var_format=True))
    took = [_mutated({}) for _ in range(PODS)]
    others = [_mutated({contract.SKIP_LABEL: "true"}) for _ in range(PODS)]
    return Figure(
        name="the policy hook, for each pod that gets a binding",
        unit="ms",
        measured=middle(took),
        floor=middle(others),
        floor_is="for a pod that is left alone",
        goal=POD_GOAL_MS,
        raw={"bound_ms": took, "left_alone_ms": others},
    )


def start() -> Figure:
    """Milliseconds of importing what every process of Airflow imports of the provider.

    Raises AssertionError when anything heavy comes along.
    """
    ours, whole = [], []
    for _ in range(STARTS):
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-c", START],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        whole.append(1000 * (time.monotonic() - began))
        ours.append(sum(_brought(done.stderr)))
    return Figure(
        name="imported of the provider when Airflow starts",
        unit="ms",
        measured=middle(ours),
        floor=middle(whole),
        floor_is="a process that imports Airflow's settings and plugins",
        goal=START_GOAL_MS,
        raw={"provider_ms": ours, "process_ms": whole},
    )


def _brought(told: str) -> Iterator[float]:
    """Milliseconds of each entry point's import, from what `-X importtime` tells.

    It tells of a module after all that the module has imported, further to the right.
    """
    lines = [match.groups() for match in map(IMPORTED.match, told.splitlines()) if match]
    for number, (cumulative, indent, name) in enumerate(lines):
        if name not in ENTRIES:
            continue
        yield int(cumulative) / 1000
        for _, deeper, brought in reversed(lines[:number]):
            if len(deeper) <= len(indent):
                break
            assert not HEAVY.match(brought), f"{name} imports {brought}"


def _mutated(labels: dict[str, str]) -> float:
    # As KubernetesPodOperator makes it: a training and the sidecar of its XCom.
    containers = [k8s.V1Container(name=name) for name in ("base", "airflow-xcom-sidecar")]
    labelled = {"kubernetes_pod_operator": "True", **labels}
    pod = k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(name="train-1", namespace="team-a", labels=labelled),
        spec=k8s.V1PodSpec(containers=containers),
    )
    began = time.perf_counter()
    POLICIES.pod_mutation_hook(pod=pod)
    took = time.perf_counter() - began
    assert (contract.BINDING_LABEL in pod.metadata.labels) is not bool(labels)
    return 1000 * took


def _context() -> Any:
    """The context of a task whose DAG names a binding by its tag."""
    instance = {"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": 2, "try_number": 1}
    return {
        "ti": SimpleNamespace(**instance, log_url="http://airflow/log"),
        "dag": SimpleNamespace(tags={"mlflow:team-a"}),
        "params": {},
        "task": SimpleNamespace(owner="ana"),
        "dag_run": SimpleNamespace(team_name=None),
        "logical_date": None,
    }

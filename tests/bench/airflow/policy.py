"""What Airflow's policy costs: each pod, and every process of Airflow when it starts."""

import json
import os
import re
import subprocess
import sys
import time
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

START: Final = """
import importlib.metadata, importlib_metadata, json, sys, time
seconds, brought = {}, set()
def timing(load):
    def timed(entry):
        before, began = {*sys.modules}, time.process_time()
        loaded = load(entry)
        if entry.value.startswith("mooring_airflow."):
            seconds.setdefault(entry.value, time.process_time() - began)
            brought.update({*sys.modules} - before)
        return loaded
    return timed
# The second takes the place of the first wherever it is imported, as it is in Airflow.
for kind in (importlib.metadata.EntryPoint, importlib_metadata.EntryPoint):
    kind.load = timing(kind.load)
import airflow.settings
for entry in importlib.metadata.distribution("mooring-airflow").entry_points:
    entry.load()
print(json.dumps([seconds, sorted(brought), time.process_time()]))
"""
"""An Airflow that starts: it loads policies and providers, and later plugins, by entry points."""
ENTRY_POINTS: Final = 3
"""Of dags/pyproject.toml."""
HEAVY: Final = re.compile(r"(kubernetes|mlflow|httpx|yaml|tenacity|airflow\.providers)(\.|$)")
"""What none of them may bring along."""


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
    """Milliseconds of a processor to import what every process of Airflow imports of the provider.

    Raises AssertionError when anything heavy comes along.
    """
    ours, whole = [], []
    for _ in range(STARTS):
        done = subprocess.run(
            [sys.executable, "-c", START], capture_output=True, text=True, check=True
        )
        seconds, brought, all_seconds = json.loads(done.stdout.splitlines()[-1])
        assert len(seconds) == ENTRY_POINTS, seconds
        assert not [name for name in brought if HEAVY.match(name)], brought
        ours.append(1000 * sum(seconds.values()))
        whole.append(1000 * all_seconds)
    return Figure(
        name="to import what Airflow loads of the provider when it starts",
        unit="ms",
        measured=middle(ours),
        floor=middle(whole),
        floor_is="all that Airflow's settings load",
        goal=START_GOAL_MS,
        raw={"provider_ms": ours, "process_ms": whole},
    )


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

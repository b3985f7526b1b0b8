"""What Airflow's policy does to pods, and what it costs everybody who loads it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.configuration import conf
from airflow.providers.cncf.kubernetes.operators.job import KubernetesJobOperator
from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator
from airflow.sdk.execution_time.context import context_to_airflow_vars
from airflow.settings import get_policy_plugin_manager
from kubernetes.client import models as k8s

from mooring import contract
from mooring.training.tags import run_tags, tags_of

POLICIES = get_policy_plugin_manager().hook
"""What Airflow calls, with all the policies that are installed."""

OPERATOR = {"kubernetes_pod_operator": "True"}
EXECUTOR = {"kubernetes_executor": "True"}


def pod(labels: dict[str, str], **changes: Any) -> k8s.V1Pod:
    base = k8s.V1Container(name="base", **changes)
    return k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(name="train-1", namespace="team-a", labels=labels),
        spec=k8s.V1PodSpec(containers=[base, k8s.V1Container(name="mesh")]),
    )


def environment(pod: k8s.V1Pod, container: int = 0) -> dict[str, str | None]:
    return {entry.name: entry.value for entry in pod.spec.containers[container].env or []}


def context(*tags: str, **params: Any) -> Any:
    instance = SimpleNamespace(
        dag_id="d",
        run_id="manual__1",
        task_id="train",
        map_index=2,
        try_number=3,
        log_url="http://airflow/log",
    )
    return {
        "ti": instance,
        "dag": SimpleNamespace(tags=set(tags)),
        "params": params,
        "task": SimpleNamespace(owner="ana"),
        "dag_run": SimpleNamespace(team_name=None),
        "logical_date": None,
    }


def variables(context: Any) -> dict[str, str]:
    """What Airflow sets in the environment of a task's process, as its task runner does it."""
    return context_to_airflow_vars(context, in_env_var_format=True)


@pytest.fixture(autouse=True)
def process(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment of a task's process, where nothing was said yet."""
    for name in variables(context()):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def begin(process: pytest.MonkeyPatch, task: Any) -> None:
    """What Airflow does just before it runs a task."""
    for name, value in variables(task).items():
        process.setenv(name, value)


def test_a_tag_of_the_dag_binds_the_pod(process: pytest.MonkeyPatch) -> None:
    begin(process, context("mlflow:team-a", mlflow_experiment="nightly"))
    bound = pod(dict(OPERATOR), env=[k8s.V1EnvVar(contract.RUN_CONTEXT, '{"model": "churn"}')])
    POLICIES.pod_mutation_hook(pod=bound)
    assert bound.metadata.labels == {**OPERATOR, contract.BINDING_LABEL: "team-a"}
    env = environment(bound)
    assert env[contract.EXPERIMENT_NAME] == "nightly"
    assert tags_of(env[contract.RUN_CONTEXT] or "") == {
        contract.TAG_DAG_ID: "d",
        contract.TAG_RUN_ID: "manual__1",
        contract.TAG_TASK_ID: "train",
        contract.TAG_MAP_INDEX: "2",
        contract.TAG_TRY_NUMBER: "3",
        contract.TAG_LOGICAL_DATE: "",
        contract.TAG_LOG_URL: "http://airflow/log",
        contract.TAG_OWNER: "ana",
        contract.TAG_BINDING: "team-a/team-a",
        contract.TAG_POD: f"$({contract.POD_NAME})",
        "model": "churn",
    }
    assert list(env).index(contract.POD_NAME) < list(env).index(contract.RUN_CONTEXT)


KUBECONFIG = {
    "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "u", "user": {}}],
    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    "current-context": "c",
}


def test_the_pods_of_a_job_are_bound_and_name_themselves(
    process: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begin(process, context("mlflow:team-a"))
    (tmp_path / "kubeconfig").write_text(json.dumps(KUBECONFIG))
    operator = KubernetesJobOperator(
        task_id="train",
        image="mooring/training:test",
        namespace="team-a",
        config_file=str(tmp_path / "kubeconfig"),
    )
    given: Any = {**context(), "run_id": "manual__1"}
    job = operator.build_job_request_obj(given)
    template = job.spec.template
    assert template.metadata.labels[contract.BINDING_LABEL] == "team-a"
    (told,) = (e.value for e in template.spec.containers[0].env if e.name == contract.RUN_CONTEXT)
    # Each is made with a name of its own, which nobody here knows.
    assert tags_of(told)[contract.TAG_POD] == f"$({contract.POD_NAME})"


def test_what_the_author_says_stays(process: pytest.MonkeyPatch) -> None:
    begin(process, context("mlflow:team-a", mlflow_experiment="nightly"))
    own = {contract.BINDING_LABEL: "own"}
    bound = pod({**OPERATOR, **own}, env=[k8s.V1EnvVar(contract.EXPERIMENT_NAME, "mine")])
    bound.metadata.annotations = {contract.SKIP_CONTAINERS_ANNOTATION: "mesh"}
    POLICIES.pod_mutation_hook(pod=bound)
    assert bound.metadata.labels[contract.BINDING_LABEL] == "own"
    assert environment(bound)[contract.EXPERIMENT_NAME] == "mine"
    assert environment(bound, container=1) == {}


def test_the_policy_twice_is_the_policy_once(process: pytest.MonkeyPatch) -> None:
    begin(process, context("mlflow:team-a"))
    once, twice = pod(dict(OPERATOR)), pod(dict(OPERATOR))
    for each in (once, twice, twice):
        POLICIES.pod_mutation_hook(pod=each)
    assert once == twice


@pytest.mark.parametrize(
    "labels", [{}, EXECUTOR, {**OPERATOR, contract.SKIP_LABEL: "true"}], ids=str
)
def test_other_pods_are_left_alone(process: pytest.MonkeyPatch, labels: dict[str, str]) -> None:
    begin(process, context("mlflow:team-a"))
    left = pod(dict(labels))
    POLICIES.pod_mutation_hook(pod=left)
    assert left == pod(dict(labels))


def test_a_dag_that_says_nothing_leaves_its_pods_alone(process: pytest.MonkeyPatch) -> None:
    begin(process, context("nightly"))
    left = pod(dict(OPERATOR))
    POLICIES.pod_mutation_hook(pod=left)
    assert left == pod(dict(OPERATOR))


def test_two_bindings_of_a_dag_fail_its_pods_and_no_other_task(process: pytest.MonkeyPatch) -> None:
    begin(process, context("mlflow:team-a", "mlflow:team-b"))
    with pytest.raises(ValueError, match="the DAG names several bindings, team-a and team-b"):
        POLICIES.pod_mutation_hook(pod=pod(dict(OPERATOR)))


def test_the_settings_bind_by_namespace(process: pytest.MonkeyPatch) -> None:
    process.setenv("AIRFLOW__MOORING__NAMESPACE_BINDINGS", '{"team-a": "models"}')
    bound = pod(dict(OPERATOR))
    POLICIES.pod_mutation_hook(pod=bound)
    assert bound.metadata.labels[contract.BINDING_LABEL] == "models"


def test_settings_that_are_no_object_are_told(process: pytest.MonkeyPatch) -> None:
    process.setenv("AIRFLOW__MOORING__NAMESPACE_BINDINGS", '["team-a"]')
    with pytest.raises(ValueError, match=r"\[mooring\] namespace_bindings is a JSON list: write"):
        POLICIES.pod_mutation_hook(pod=pod(dict(OPERATOR)))


def test_executor_pods_only_where_a_setting_asks(process: pytest.MonkeyPatch) -> None:
    # A scheduler's environment may hold anything: it is not that of the task.
    begin(process, context("mlflow:of-another-dag", mlflow_experiment="of another"))
    process.setenv("AIRFLOW__MOORING__DEFAULT_BINDING", "team-a")
    process.setenv("AIRFLOW__MOORING__EXECUTOR_PODS", "True")
    # As the executor makes it, its policies included.
    worker = PodGenerator.construct_pod(
        dag_id="e",
        run_id="manual__2",
        task_id="fit",
        try_number=1,
        pod_id="fit-1",
        namespace="team-a",
        kube_image="airflow",
        args=["python", "-m", "airflow.sdk.execution_time.execute_workload"],
        date=None,
        scheduler_job_id="1",
        base_worker_pod=pod({}),
        pod_override_object=None,
        with_mutation_hook=True,
    )
    assert worker.metadata.labels[contract.BINDING_LABEL] == "team-a"
    env = environment(worker)
    tags = tags_of(env[contract.RUN_CONTEXT] or "")
    told = (contract.TAG_DAG_ID, contract.TAG_RUN_ID, contract.TAG_TASK_ID, contract.TAG_MAP_INDEX)
    assert [tags[name] for name in told] == ["e", "manual__2", "fit", "-1"]
    assert contract.EXPERIMENT_NAME not in env


def test_a_task_forgets_what_the_one_before_it_said(process: pytest.MonkeyPatch) -> None:
    begin(process, context("mlflow:team-a", mlflow_experiment="nightly"))
    begin(process, context())
    left = pod(dict(OPERATOR))
    POLICIES.pod_mutation_hook(pod=left)
    assert left == pod(dict(OPERATOR))


def test_a_context_that_is_not_understood_fails_no_task() -> None:
    assert set(variables({}).values()) == {""}


def test_training_in_the_worker_learns_the_whole_task_instance() -> None:
    bound = {contract.WORKSPACE: "team-a/team-a", contract.BINDING: "team-a"}
    tags = run_tags({**bound, **variables(context())}, "worker-1")
    assert tags[contract.TAG_MAP_INDEX] == "2"
    assert tags[contract.TAG_LOG_URL] == "http://airflow/log"


def test_the_settings_are_listed() -> None:
    listed = conf.configuration_description["mooring"]["options"]
    assert {"default_binding", "namespace_bindings", "executor_pods"} <= set(listed)


LOADED = """
import json, sys
import airflow.settings
print(json.dumps(sorted(sys.modules)))
"""


def test_airflow_loads_it_and_nothing_heavy_with_it() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True, env=os.environ
    )
    loaded = json.loads(answer.stdout.splitlines()[-1])
    assert "mooring_airflow.policy" in loaded
    heavy = {"kubernetes", "mlflow", "airflow.providers.cncf.kubernetes.operators"}
    ours = {f"mooring_airflow.{name}" for name in ("binding", "login", "operators", "tracking")}
    assert not (heavy | ours) & {*loaded}

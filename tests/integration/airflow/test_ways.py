"""Every way an author starts a pod, with a real Airflow: its own database, its own task runner."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from mooring import contract
from mooring.training.tags import tags_of
from mooring_airflow.links import OF_A_RUN
from tests.cluster.apiserver import ApiServer
from tests.integration.airflow import play
from tests.integration.airflow.bound import END, RUN, Bound, answered
from tests.integration.airflow.runs import run_of
from tests.integration.airflow.world import Workspace

DAGS = Path(__file__).parent / "dags"
WAYS = ("by_tag", "by_param", "deferred", "taskflow", "around", "resource")

Task = Mapping[str, Any]


@pytest.fixture(scope="module")
def bound(apiserver: ApiServer, team: Workspace) -> Iterator[Bound]:
    """A namespace with a node, and a binding that is ready."""
    with answered(apiserver, team) as space:
        yield space


@pytest.fixture(scope="module")
def played(bound: Bound, tmp_path_factory: pytest.TempPathFactory) -> list[Task]:
    """What came of every task instance of every DAG here."""
    home = tmp_path_factory.mktemp("airflow")
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "AWS_"))},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        # The default of 30 s is short where other tests have the processors.
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "300",
        "AIRFLOW_CONN_KUBERNETES_DEFAULT": '{"conn_type": "kubernetes"}',
        "KUBECONFIG": bound.kubeconfig,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "WAYS_NAMESPACE": bound.namespace,
        "WAYS_CODE": RUN + END,
        "WAYS_RUN": RUN,
    }
    answer = subprocess.run(
        [sys.executable, "-m", play.__name__, str(DAGS), *WAYS],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    print(answer.stdout, answer.stderr)
    assert not answer.returncode
    return list(json.loads(answer.stdout.splitlines()[-1]))


def of_dag(played: list[Task], dag_id: str) -> list[Task]:
    found = [task for task in played if task["dag_id"] == dag_id]
    return sorted(found, key=lambda task: int(task["map_index"]))


def runs_of(bound: Bound, task: Task) -> list[dict[str, Any]]:
    """The runs that carry the tags of a task instance."""
    ids = bound.runs({"run_id": task["run_id"]})
    runs = [run_of(bound.team, run_id) for run_id in ids]
    wanted = {
        contract.TAG_DAG_ID: task["dag_id"],
        contract.TAG_TASK_ID: task["task_id"],
        contract.TAG_MAP_INDEX: str(task["map_index"]),
    }
    return [run for run in runs if wanted.items() <= run["tags"].items()]


def test_a_tag_of_the_dag_binds_a_plain_pod(bound: Bound, played: list[Task]) -> None:
    (task,) = of_dag(played, "by_tag")
    assert task["state"] == "success"
    (run,) = runs_of(bound, task)
    assert run["tags"][contract.TAG_POD] == task["xcom"]["pod_name"]
    assert run["tags"][contract.TAG_BINDING] == f"{bound.namespace}/team-a"
    assert run["tags"][contract.TAG_OWNER] == "ana"
    assert task["task_id"] in run["tags"][contract.TAG_LOG_URL]


def test_a_param_of_the_dag_binds_mapped_pods(bound: Bound, played: list[Task]) -> None:
    tasks = of_dag(played, "by_param")
    assert [task["map_index"] for task in tasks] == [0, 1]
    for task in tasks:
        (run,) = runs_of(bound, task)
        assert run["tags"][contract.TAG_POD] == task["xcom"]["pod_name"]


def test_a_deferred_task_hands_on_its_run(bound: Bound, played: list[Task]) -> None:
    (task,) = of_dag(played, "deferred")
    assert task["state"] == "success"
    (run,) = runs_of(bound, task)
    assert run["tags"][contract.TAG_VERIFIED] == "true"
    assert task["xcom"][contract.XCOM_KEY]["status"] == "FINISHED"
    page = task["xcom"][contract.XCOM_KEY]["ui_url"]
    buttons = {link.name: task["xcom"][link.xcom_key] for link in OF_A_RUN}
    assert buttons == {
        "MLflow run": page,
        "MLflow experiment": f"{bound.team.url}/#/experiments/0",
        "MLflow model": "",
    }


def test_functions_hand_on_the_runs_of_their_pods(bound: Bound, played: list[Task]) -> None:
    tasks = {(task["task_id"], task["map_index"]): task for task in of_dag(played, "taskflow")}
    trained = [tasks["search.train", index] for index in (0, 1)]
    for task in trained:
        (run,) = runs_of(bound, task)
        assert run["tags"][contract.TAG_VERIFIED] == "true"
        assert task["xcom"]["return_value"] == task["xcom"][contract.XCOM_KEY]
    assert [t["xcom"][contract.XCOM_KEY]["metrics"] for t in trained] == [
        {"rate": 0.1},
        {"rate": 0.2},
    ]
    (compared,) = runs_of(bound, tasks["compare", -1])
    given = sorted(task["xcom"][contract.XCOM_KEY]["run_id"] for task in trained)
    assert compared["tags"]["compared"] == ",".join(given)


def test_setup_and_teardown_are_verified_around_a_task_that_is_not(
    bound: Bound, played: list[Task]
) -> None:
    verdicts = {}
    for task in of_dag(played, "around"):
        (run,) = runs_of(bound, task)
        tags = run["tags"]
        told = tags.get(contract.TAG_FINDING) or tags.get(contract.TAG_VERIFIED)
        verdicts[task["task_id"]] = (task["state"], told)
    assert verdicts == {
        "before": ("success", "true"),
        "train": ("failed", "RequiredMissing"),
        "after": ("success", "true"),
    }


def test_the_pods_of_a_resource_are_told_whose_they_are(bound: Bound, played: list[Task]) -> None:
    (task,) = of_dag(played, "resource")
    assert task["state"] == "success"
    jobs = client.BatchV1Api(bound.api)
    template = jobs.read_namespaced_job("resource", bound.namespace).spec.template
    assert template.metadata.labels[contract.BINDING_LABEL] == "team-a"
    ((told,),) = (container.env for container in template.spec.containers)
    tags = tags_of(told.value)
    assert (tags[contract.TAG_RUN_ID], tags[contract.TAG_TASK_ID]) == (task["run_id"], "train")

"""MlflowPodOperator against a real API server, tracking server and store."""

import contextlib
import json
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.cncf.kubernetes.utils import pod_manager as provider
from airflow.sdk.exceptions import AirflowException
from kubernetes import client

from mooring import contract
from mooring_airflow import pod_manager
from mooring_airflow.errors import MooringError
from mooring_airflow.operators import MlflowPodOperator
from mooring_airflow.pod_manager import MlflowPodManager
from mooring_airflow.ref import MlflowRunRef
from tests.cluster.apiserver import ApiServer
from tests.cluster.process import PATIENCE_S, wait_until
from tests.integration.airflow.bound import (
    END,
    FAIL,
    HANG,
    Bound,
    client_of,
    new_namespace,
    unbound,
)
from tests.integration.airflow.runs import emitted, run_of
from tests.integration.airflow.world import Workspace


@pytest.fixture(scope="module")
def api(apiserver: ApiServer) -> client.ApiClient:
    """Client of an API server that knows our kinds."""
    return client_of(apiserver)


@pytest.fixture
def space(apiserver: ApiServer, team: Workspace) -> Iterator[Bound]:
    """A namespace of its own, with a node; nothing is bound yet."""
    with unbound(apiserver, team) as found:
        yield found


@pytest.fixture
def bound(space: Bound) -> Bound:
    """The same, with a binding that is ready."""
    space.publish()
    space.answer()
    return space


def test_hands_on_the_run_of_its_pod(bound: Bound) -> None:
    context = bound.context(map_index=2)
    bound.task(END).execute(context)
    reference = bound.pushed[contract.XCOM_KEY]
    assert bound.runs(context) == [reference["run_id"]]
    assert emitted(context) == {}, "no model was registered"
    tags = run_of(bound.team, reference["run_id"])["tags"]
    assert tags[contract.TAG_VERIFIED] == "true"
    assert tags[contract.TAG_MAP_INDEX] == "2"
    assert tags[contract.TAG_POD] == bound.pushed["pod_name"]
    assert tags[contract.TAG_BINDING] == f"{bound.namespace}/team-a"
    assert bound.pods() == []


def test_a_reference_is_found_by_its_tags_where_xcom_is_lost(
    bound: Bound, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = {"conn_type": "kubernetes", "extra": {"kube_config_path": bound.kubeconfig}}
    monkeypatch.setenv("AIRFLOW_CONN_TEAM_CLUSTER", json.dumps(connection))
    context = bound.context(map_index=2)
    asked = "call('runs/set-tag', run_id=run, key='asked', value=os.environ[EXPERIMENT]);"
    code = f"EXPERIMENT = '{contract.EXPERIMENT_NAME}'; {asked} {END}"
    task = bound.task(code, experiment="nightly")
    task.execute(context)
    (guard,) = task.build_pod_request_obj(context).spec.init_containers
    assert guard.name == contract.GUARD_CONTAINER
    assert {e.name: e.value for e in guard.env or []}[contract.EXPERIMENT_NAME] == "nightly"
    pushed = MlflowRunRef.of(bound.pushed[contract.XCOM_KEY])
    assert run_of(bound.team, pushed.run_id)["tags"]["asked"] == "nightly"
    assert pushed.experiment_name == "Default", "where that pod made its run all the same"
    kept, lost = (
        {"xcom_pull": lambda found=found, **_: found} for found in (pushed.as_dict(), None)
    )
    where: Any = {"binding": f"{bound.namespace}/team-a", "kubernetes_conn_id": "team_cluster"}
    for how in (kept, lost):
        ti = SimpleNamespace(**{**vars(context["ti"]), **how})
        assert MlflowRunRef.from_ti(ti, "train", map_index=2, **where) == pushed
    with pytest.raises(MooringError, match=r"NoReference: task d\.train, run manual__"):
        MlflowRunRef.from_ti(ti, "train")
    with pytest.raises(MooringError, match=r"RunMissing: task d\.other, .* no finished run"):
        MlflowRunRef.from_ti(ti, "other", **where)


def test_a_model_that_its_run_registered_is_an_asset_that_changed(bound: Bound) -> None:
    context, name = bound.context(), f"model-{uuid.uuid4().hex[:8]}"
    registering = f"""
call("registered-models/create", name={name!r})
call("model-versions/create", name={name!r}, source="s3://mlflow/model", run_id=run)
"""
    bound.task(registering + END).execute(context)
    run_id = bound.pushed[contract.XCOM_KEY]["run_id"]
    assert emitted(context) == {
        # The namespace is named where it is not the binding's own name.
        f"mlflow://team-a.{bound.namespace}/{name}": {
            "name": name,
            "version": "1",
            "model_uri": f"models:/{name}/1",
            "run_id": run_id,
            "model_id": "",
            "url": f"{bound.team.url}/#/models/{name}/versions/1",
        }
    }


def test_fails_when_nothing_landed(bound: Bound) -> None:
    task = bound.task("", arguments=["print('trained')"])
    with pytest.raises(MooringError, match="RunMissing: the pod finished with exit code 0"):
        task.execute(bound.context())
    assert contract.XCOM_KEY not in bound.pushed


def test_tells_what_the_guard_said(space: Bound) -> None:
    space.publish(**{contract.AWS_ACCESS_KEY_ID: "revoked-key"})
    space.answer()
    context = space.context()
    with pytest.raises(MooringError, match=r"GuardRefused: .*CredentialsUnknown: the store "):
        space.task(END).execute(context)
    assert space.runs(context) == []
    assert space.pods() == []


def test_a_failed_pod_leaves_no_open_run(bound: Bound) -> None:
    context = bound.context()
    with pytest.raises(Exception, match="returned a failure"):
        bound.task(FAIL).execute(context)
    (run,) = bound.runs(context)
    left = run_of(bound.team, run)
    assert left["status"] == "FAILED"
    assert left["tags"][contract.TAG_FINDING] == "container base ended with exit code 1"
    assert contract.XCOM_KEY not in bound.pushed


def test_two_tries_do_not_look_alike(bound: Bound) -> None:
    first = bound.context()
    with pytest.raises(Exception, match="returned a failure"):
        bound.task(FAIL).execute(first)
    bound.task(END).execute(bound.context(run_id=first["run_id"], try_number=2))
    reference = bound.pushed[contract.XCOM_KEY]
    runs = [run_of(bound.team, run) for run in bound.runs(first)]
    by_try = {run["tags"][contract.TAG_TRY_NUMBER]: run["status"] for run in runs}
    assert by_try == {"1": "FAILED", "2": "FINISHED"}
    verified = run_of(bound.team, reference["run_id"])["tags"]
    assert verified[contract.TAG_TRY_NUMBER] == "2"


def executed(task: MlflowPodOperator, context: Any) -> None:
    # What it raises depends on where the end of its pod finds it; Airflow no longer listens.
    with contextlib.suppress(AirflowException, client.ApiException):
        task.execute(context)


def test_a_killed_task_leaves_no_open_run(bound: Bound) -> None:
    context, task = bound.context(), bound.task(HANG)
    worker = threading.Thread(target=executed, args=(task, context), daemon=True)
    worker.start()
    wait_until(lambda: len(bound.runs(context)) == 1, "the pod's run")
    task.on_kill()
    worker.join(PATIENCE_S)
    assert not worker.is_alive()
    (run,) = bound.runs(context)
    left = run_of(bound.team, run)
    assert left["status"] == "KILLED"
    assert left["tags"][contract.TAG_FINDING] == "TaskKilled"
    assert bound.pods() == []


def test_a_missing_binding_fails_before_any_pod(space: Bound) -> None:
    with pytest.raises(MooringError, match=f"there is no MlflowBinding {space.namespace}/team-a"):
        space.task(END).execute(space.context())
    assert space.pods() == []


def test_a_binding_that_is_not_ready_fails_before_any_pod(space: Bound) -> None:
    space.answer("False", "the bucket mlflow does not exist.")
    with pytest.raises(MooringError, match="not Ready: Test: the bucket mlflow does not exist"):
        space.task(END).execute(space.context())
    assert space.pods() == []


def test_environment_that_would_win_fails_before_any_pod(bound: Bound) -> None:
    task = bound.task(END, env_vars={contract.TRACKING_URI: ""})
    with pytest.raises(MooringError, match="container base sets MLFLOW_TRACKING_URI itself"):
        task.execute(bound.context())
    assert bound.pods() == []


def test_require_is_a_list() -> None:
    with pytest.raises(ValueError, match=r"write a list of names, \['model'\]"):
        MlflowPodOperator(task_id="train", binding="team-a", require="model")


def test_a_cleared_task_marks_its_earlier_run(bound: Bound) -> None:
    first = bound.context()
    bound.task(END).execute(first)
    earlier = bound.pushed[contract.XCOM_KEY]["run_id"]
    bound.task(END).execute(bound.context(run_id=first["run_id"], try_number=2))
    later = bound.pushed[contract.XCOM_KEY]["run_id"]
    left = run_of(bound.team, earlier)
    assert left["status"] == "FINISHED"
    assert left["tags"][contract.TAG_SUPERSEDED_BY] == later
    assert contract.TAG_SUPERSEDED_BY not in run_of(bound.team, later)["tags"]


def test_a_retry_that_resumes_goes_on_with_the_same_run(bound: Bound) -> None:
    first = bound.context()
    with pytest.raises(Exception, match="returned a failure"):
        bound.task(FAIL, resume=True).execute(first)
    (run,) = bound.runs(first)
    second = bound.context(run_id=first["run_id"], try_number=2)
    bound.task(END, resume=True).execute(second)
    assert bound.pushed[contract.XCOM_KEY]["run_id"] == run
    assert bound.runs(first) == [run]
    left = run_of(bound.team, run)
    assert left["status"] == "FINISHED"
    assert left["tags"][contract.TAG_TRY_NUMBER] == "2"
    assert left["tags"][contract.TAG_POD] == bound.pushed["pod_name"]


def test_the_end_of_a_pod_is_seen_when_it_comes(
    api: client.ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    core, namespace = client.CoreV1Api(api), new_namespace(api)
    base = {"name": "base", "image": "mooring/training:test"}
    manifest = {"metadata": {"name": "train"}, "spec": {"containers": [base]}}
    pod = core.create_namespaced_pod(namespace, manifest)
    looked = threading.Event()

    @wraps(core.list_namespaced_pod)
    def watched(*args: Any, **kwargs: Any) -> Any:
        looked.set()
        return listed(*args, **kwargs)

    @wraps(core.read_namespaced_pod)
    def read(*args: Any, **kwargs: Any) -> Any:
        found = read_once(*args, **kwargs)
        looked.set()
        return found

    listed, read_once = core.list_namespaced_pod, core.read_namespaced_pod
    monkeypatch.setattr(core, "list_namespaced_pod", watched)
    monkeypatch.setattr(core, "read_namespaced_pod", read)
    # Whoever looks again later would have to wait until then.
    monkeypatch.setattr(provider, "time", SimpleNamespace())
    monkeypatch.setattr(pod_manager, "END_S", int(PATIENCE_S))
    manager = MlflowPodManager(kube_client=core, before_creation=lambda _: None)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(manager.await_pod_completion, pod)
        assert looked.wait(PATIENCE_S)
        ended = {"status": {"phase": "Succeeded"}}
        core.patch_namespaced_pod_status("train", namespace, ended)
        assert waiting.result().status.phase == "Succeeded"


def test_a_deferred_task_hands_on_the_run_of_its_pod(bound: Bound) -> None:
    context = bound.context()
    event = bound.defer(END, context)
    bound.task(END, deferrable=True).trigger_reentry(context, event)
    reference = bound.pushed[contract.XCOM_KEY]
    assert bound.runs(context) == [reference["run_id"]]
    assert run_of(bound.team, reference["run_id"])["tags"][contract.TAG_VERIFIED] == "true"
    assert bound.pods() == []


def test_a_pod_that_is_gone_before_its_task_goes_on_loses_nothing(bound: Bound) -> None:
    context = bound.context()
    event = bound.defer(END, context)
    bound.delete(event["name"])
    bound.task(END, deferrable=True).trigger_reentry(context, event)
    assert bound.runs(context) == [bound.pushed[contract.XCOM_KEY]["run_id"]]


def test_a_deferred_task_fails_when_nothing_landed(bound: Bound) -> None:
    context = bound.context()
    event = bound.defer("call('runs/delete', run_id=run)", context)
    bound.delete(event["name"])
    with pytest.raises(MooringError, match="RunMissing: the pod finished with exit code 0"):
        bound.task(END, deferrable=True).trigger_reentry(context, event)
    assert contract.XCOM_KEY not in bound.pushed


def test_a_deferred_task_whose_pod_failed_leaves_no_open_run(bound: Bound) -> None:
    context = bound.context()
    event = bound.defer(FAIL, context)
    with pytest.raises(AirflowException):
        bound.task(FAIL, deferrable=True).trigger_reentry(context, event)
    (run,) = bound.runs(context)
    assert run_of(bound.team, run)["status"] == "FAILED"


def test_a_deferred_task_whose_pod_was_taken_away_leaves_no_open_run(bound: Bound) -> None:
    context = bound.context()
    event = bound.defer(FAIL, context)
    bound.delete(event["name"])
    with pytest.raises(AirflowException):
        bound.task(FAIL, deferrable=True).trigger_reentry(context, event)
    (run,) = bound.runs(context)
    left = run_of(bound.team, run)
    assert left["status"] == "KILLED"
    assert left["tags"][contract.TAG_FINDING] == "the pod was deleted"


def test_a_deferred_task_is_verified_while_its_workspace_is_not_well(bound: Bound) -> None:
    context = bound.context()
    event = bound.defer(END, context)
    bound.ready("False", "the bucket mlflow does not exist.")
    bound.task(END, deferrable=True).trigger_reentry(context, event)
    assert bound.runs(context) == [bound.pushed[contract.XCOM_KEY]["run_id"]]

"""A namespace with a binding, and the tasks that use it."""

import base64
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred
from airflow.sdk.execution_time.context import OutletEventAccessors
from kubernetes import client, config

from mooring import contract
from mooring_airflow.operators import MlflowPodOperator
from tests.chart.rendering import crds
from tests.cluster.apiserver import ApiServer
from tests.cluster.process import wait_until
from tests.integration.airflow.kubelet import kubelet
from tests.integration.airflow.world import Workspace
from tests.integration.definitions import define

ENDED = {"Succeeded", "Failed"}
PUBLISHED = contract.published_name("team-a")
SOURCES = [{"configMapRef": {"name": PUBLISHED}}, {"secretRef": {"name": PUBLISHED}}]
FRAGMENT = {
    "envFrom": SOURCES,
    "volumes": [],
    "volumeMounts": [],
    "initContainers": [
        {
            "name": contract.GUARD_CONTAINER,
            "image": "mooring/runtime:test",
            "command": ["mooring", "guard"],
            "envFrom": SOURCES,
        }
    ],
}

# What MLflow's client does, in a tenth of a second.
RUN = """
import base64, json, os, sys, urllib.request
def call(path, **body):
    url = os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/" + path
    head = {"content-type": "application/json"}
    login = [os.environ.get("MLFLOW_TRACKING_" + name) for name in ("USERNAME", "PASSWORD")]
    if all(login):
        head["authorization"] = "Basic " + base64.b64encode(":".join(login).encode()).decode()
    request = urllib.request.Request(url, json.dumps(body).encode(), head)
    return json.loads(urllib.request.urlopen(request).read())
tags = json.loads(os.environ["MLFLOW_RUN_CONTEXT"])
pairs = [{"key": key, "value": value} for key, value in tags.items()]
run = os.environ.get("MLFLOW_RUN_ID")
if run:
    call("runs/update", run_id=run, status="RUNNING")
else:
    run = call("runs/create", experiment_id="0", tags=pairs)["run"]["info"]["run_id"]
"""
END = 'call("runs/update", run_id=run, status="FINISHED")'
FAIL = "sys.exit('the training failed')"
HANG = "import time; time.sleep(600)"


@dataclass
class Bound:
    """A namespace whose binding `team-a` is answered, and what tasks push there."""

    api: client.ApiClient
    namespace: str
    kubeconfig: str
    team: Workspace
    pushed: dict[str, Any] = field(default_factory=dict)

    def task(self, code: str, **changes: Any) -> MlflowPodOperator:
        """A task whose pod makes a run and then does `code`."""
        wanted: dict[str, Any] = {
            "task_id": "train",
            "binding": f"{self.namespace}/team-a",
            "image": "mooring/training:test",
            "cmds": ["python", "-c"],
            "arguments": [RUN + code],
            "config_file": self.kubeconfig,
            "get_logs": False,
            "log_events_on_startup": False,
            "log_pod_spec_on_failure": False,
        }
        return MlflowPodOperator(**(wanted | changes))

    def context(self, **changes: Any) -> Any:
        """The context of a task instance that no other test has."""
        instance = {
            "dag_id": "d",
            "task_id": "train",
            "run_id": f"manual__{uuid.uuid4()}",
            "map_index": -1,
            "try_number": 1,
            "log_url": "http://airflow/log",
            "xcom_push": self.push,
        }
        ti = SimpleNamespace(**(instance | changes))
        return {
            "ti": ti,
            "run_id": ti.run_id,
            "dag": None,
            "logical_date": None,
            "outlet_events": OutletEventAccessors(),
        }

    def push(self, key: str, value: Any) -> None:
        """Take an XCom as Airflow does: as JSON."""
        self.pushed[key] = json.loads(json.dumps(value, allow_nan=False))

    def defer(self, code: str, context: Any, **changes: Any) -> dict[str, Any]:
        """Start a deferrable task; the event of its trigger, once its pod has ended."""
        with pytest.raises(TaskDeferred) as deferred:
            self.task(code, deferrable=True, **changes).execute(context)
        trigger: Any = deferred.value.trigger
        wait_until(lambda: self.phase(trigger.pod_name) in ENDED, "the end of the pod")
        return {
            "status": "success" if self.phase(trigger.pod_name) == "Succeeded" else "failed",
            "name": trigger.pod_name,
            "namespace": trigger.pod_namespace,
            "message": "as its trigger tells it",
            **trigger.trigger_kwargs,
        }

    def phase(self, pod: str) -> str:
        """The phase of a pod."""
        found = client.CoreV1Api(self.api).read_namespaced_pod(pod, self.namespace)
        return str(found.status.phase)

    def delete(self, pod: str) -> None:
        """Take a pod away at once, as a cluster that is short of room does."""
        core = client.CoreV1Api(self.api)
        core.delete_namespaced_pod(pod, self.namespace, grace_period_seconds=0)

    def pods(self) -> list[str]:
        """The names of the pods that are there."""
        found = client.CoreV1Api(self.api).list_namespaced_pod(self.namespace).items
        return [pod.metadata.name for pod in found]

    def publish(self, **changes: str) -> None:
        """Write ConfigMap and Secret as the operator does."""
        environment = {**self.team.environment, **changes}
        secret = {k: v for k, v in environment.items() if k in contract.SECRET_KEYS}
        public = {k: v for k, v in environment.items() if k not in secret}
        encoded = {k: base64.b64encode(v.encode()).decode() for k, v in secret.items()}
        core, meta = client.CoreV1Api(self.api), {"metadata": {"name": PUBLISHED}}
        core.create_namespaced_config_map(self.namespace, {**meta, "data": public})
        core.create_namespaced_secret(self.namespace, {**meta, "data": encoded})

    def answer(self, ready: str = "True", message: str = "all is well") -> None:
        """Make the binding, with its answer."""
        custom = client.CustomObjectsApi(self.api)
        where = (contract.GROUP, contract.VERSION, self.namespace, "mlflowbindings")
        binding = {
            "apiVersion": contract.API_VERSION,
            "kind": "MlflowBinding",
            "metadata": {"name": "team-a"},
            "spec": {"workspaceRef": {"name": "team-a"}},
        }
        custom.create_namespaced_custom_object(*where, binding)
        self.ready(ready, message)

    def ready(self, ready: str, message: str) -> None:
        """Write the status of the binding as the operator does."""
        custom = client.CustomObjectsApi(self.api)
        where = (contract.GROUP, contract.VERSION, self.namespace, "mlflowbindings")
        condition = {
            "type": "Ready",
            "status": ready,
            "reason": "Test",
            "message": message,
            "observedGeneration": 1,
            "lastTransitionTime": "2026-11-21T00:00:00Z",
        }
        status = {
            "conditions": [condition],
            "url": self.team.url,
            "artifactRoot": self.team.artifact_root,
            "workspace": {"namespace": self.namespace, "name": "team-a"},
            "pod": FRAGMENT,
        }
        custom.patch_namespaced_custom_object_status(*where, "team-a", {"status": status})

    def runs(self, context: Any) -> list[str]:
        """The ids of the runs of a task instance."""
        body = {
            "experiment_ids": ["0"],
            "filter": f"tags.`{contract.TAG_RUN_ID}` = '{context['run_id']}'",
        }
        found = self.team.api("runs/search", body).get("runs", [])
        return [run["info"]["run_id"] for run in found]


def client_of(apiserver: ApiServer) -> client.ApiClient:
    """Client of an API server that knows our kinds."""
    found = config.new_client_from_config(config_file=str(apiserver.kubeconfig))
    define(found, crds())
    return found


def new_namespace(api: client.ApiClient) -> str:
    """A namespace in which pods may be made."""
    core, name = client.CoreV1Api(api), f"team-{uuid.uuid4().hex[:8]}"
    core.create_namespace({"metadata": {"name": name}})
    core.create_namespaced_service_account(name, {"metadata": {"name": "default"}})
    return name


@contextmanager
def unbound(apiserver: ApiServer, team: Workspace) -> Iterator[Bound]:
    """A namespace of its own, with a node; nothing is bound yet."""
    api = client_of(apiserver)
    name = new_namespace(api)
    with kubelet(config.new_client_from_config(config_file=str(apiserver.kubeconfig)), name):
        yield Bound(api, name, str(apiserver.kubeconfig), team)


@contextmanager
def answered(apiserver: ApiServer, team: Workspace) -> Iterator[Bound]:
    """The same, with a binding that is ready."""
    with unbound(apiserver, team) as space:
        space.publish()
        space.answer()
        yield space

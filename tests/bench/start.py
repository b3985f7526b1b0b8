"""How long things take to start on a real node: a workspace, and a pod with its guard."""

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from mooring.contract import BINDING_LABEL
from mooring_operator.plan.pods import restricted_pod
from tests.bench.figures import Figure, middle
from tests.demo.cluster import apply, get, kubectl
from tests.demo.system import PLAYGROUND, TEAMS, wait_ready, workspace

ROUNDS: Final = 3
POD_ROUNDS: Final = 8
RATIO: Final = 1.2
GUARD_GOAL_S: Final = 1.0
NAMESPACE: Final = "bench"
RESTRICTED: Final = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def ready() -> Figure:
    """A workspace from `apply` to Ready, beside a bare `mlflow server` and one canary."""
    bare = [_timed(_bare_server, number) for number in range(ROUNDS)]
    took, canaries = [], []
    for number in range(ROUNDS):
        team = f"{NAMESPACE}-{number}"
        took.append(_timed(_workspace, team))
        canaries.append(_canary_seconds(team))
        kubectl("delete", "namespace", team)
    floor = RATIO * middle(bare) + middle(canaries)
    return Figure(
        name="workspace applied -> Ready",
        unit="s",
        measured=middle(took),
        floor=middle(bare),
        floor_is=f"a bare mlflow server until it answers; and {middle(canaries):.1f} s the canary",
        goal=floor,
        raw={"ready_s": took, "bare_server_s": bare, "canary_s": canaries},
    )


def guard() -> Figure:
    """What the guard adds to a pod beyond an init container that does nothing, over rounds.

    A kubelet goes from one container to the next in steps of about a second, whatever runs in
    them, which no guard can change.
    """
    team = TEAMS[0]
    image = _image(team)
    nothing = {"name": "nothing", "image": image, "command": ["true"]}
    plain, floor, bound = [], [], []
    for number in range(POD_ROUNDS):
        plain.append(_timed(_pod, team, f"bench-plain-{number}", image, {}))
        floor.append(_timed(_pod, team, f"bench-floor-{number}", image, {}, nothing))
        bound.append(_timed(_pod, team, f"bench-bound-{number}", image, {BINDING_LABEL: team}))
    kubectl("delete", "pod", "-n", team, "-l", "bench=pod")
    added = middle(floor) - middle(plain)
    return Figure(
        name="what the guard adds to a pod's start, beyond an empty init container, p50",
        unit="s",
        measured=middle(bound) - middle(floor),
        floor=added,
        floor_is=f"what `true` adds as init container to a pod that takes {middle(plain):.2f} s",
        goal=GUARD_GOAL_S,
        raw={"bound_s": bound, "empty_init_container_s": floor, "plain_s": plain},
    )


def _timed(action: Callable[..., None], *arguments: Any) -> float:
    started = time.monotonic()
    action(*arguments)
    return time.monotonic() - started


def _workspace(team: str) -> None:
    apply(*workspace(team))
    wait_ready("mlw", team, team)


def _canary_seconds(team: str) -> float:
    """From the making of the canary's pod to its end, to the second that Kubernetes keeps."""
    selector = "app.kubernetes.io/component=canary"
    pods = json.loads(kubectl("get", "pods", "-n", team, "-l", selector, "-o", "json"))["items"]
    made = datetime.fromisoformat(pods[0]["metadata"]["creationTimestamp"])
    state = pods[0]["status"]["containerStatuses"][0]["state"]["terminated"]
    return (datetime.fromisoformat(state["finishedAt"]) - made).total_seconds()


def _bare_server(number: int) -> None:
    """`mlflow server` on an empty database, until it answers; then it is deleted."""
    name = f"bare-{number}"
    database = (
        "exec",
        "-n",
        PLAYGROUND,
        "postgresql-0",
        "--",
        "psql",
        "-h/tmp",
        "-Upostgres",
        "-qc",
    )
    kubectl(*database, f'create database "{name}"')
    secret = {"name": "postgresql-admin"}
    login = [
        {"name": key.upper(), "valueFrom": {"secretKeyRef": {**secret, "key": key}}}
        for key in ("username", "password")
    ]
    uri = f"postgresql+psycopg2://$(USERNAME):$(PASSWORD)@postgresql.{PLAYGROUND}.svc/{name}"
    settings = {
        "MLFLOW_BACKEND_STORE_URI": uri,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    container = {
        "name": "server",
        "image": get("deployment", f"{TEAMS[0]}-mlflow", TEAMS[0])["spec"]["template"]["spec"][
            "containers"
        ][0]["image"],
        "command": ["mlflow", "server", "--host=0.0.0.0", "--port=5000", "--workers=1"],
        "env": [*login, *({"name": k, "value": v} for k, v in settings.items())],
        "workingDir": "/tmp",  # noqa: S108 (a path in the container)
        "readinessProbe": {"httpGet": {"path": "/health", "port": 5000}, "periodSeconds": 1},
    }
    apply(_manifest(PLAYGROUND, name, {}, container))
    kubectl("wait", "-n", PLAYGROUND, f"pod/{name}", "--for=condition=Ready", "--timeout=3m")
    kubectl("delete", "pod", "-n", PLAYGROUND, name, "--wait=false")
    kubectl(*database, f'drop database "{name}" with (force)')


def _pod(
    namespace: str,
    name: str,
    image: str,
    labels: Mapping[str, str],
    init: Mapping[str, Any] | None = None,
) -> None:
    container = {"name": "main", "image": image, "command": ["true"]}
    apply(_manifest(namespace, name, labels, container, init))
    until = "--for=jsonpath={.status.phase}=Succeeded"
    kubectl("wait", "-n", namespace, f"pod/{name}", until, "--timeout=2m")


def _image(team: str) -> str:
    """An image that the node has: the guard's own."""
    fragment = get("mlb", team, team)["status"]["pod"]
    return str(fragment["initContainers"][0]["image"])


def _manifest(
    namespace: str,
    name: str,
    labels: Mapping[str, str],
    container: Mapping[str, Any],
    init: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"bench": "pod", **labels}},
        "spec": {
            **restricted_pod(),
            "initContainers": [{**init, "securityContext": RESTRICTED}] if init else [],
            "containers": [{**container, "securityContext": RESTRICTED}],
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
        },
    }

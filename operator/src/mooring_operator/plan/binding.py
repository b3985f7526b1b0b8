"""What answers a binding: a ConfigMap, Secrets, the launchers' rights, the pod fragment."""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from mooring import contract
from mooring_operator.api.base import Launcher
from mooring_operator.api.binding import BindingSpec, GuardMode
from mooring_operator.api.image import ContainerImage
from mooring_operator.plan.airflow import CONNECTION_LABEL, VALUE_KEY, connection_value
from mooring_operator.plan.connection import Connection, pod_environment
from mooring_operator.plan.metadata import ACCESS, Manifest, Owner, child
from mooring_operator.plan.pods import restricted_container, store_mounts, store_volumes

LAUNCHER_ROLE: Final = "mooring-launcher"
LOGIN_ROLE: Final = "mooring-launcher-login"
"""ClusterRole of charts/mooring with what KubernetesPodOperator needs; the operator may bind it."""


def own_binding(workspace: Owner) -> Manifest:
    """The binding of its own name that a workspace gets in its own namespace."""
    head = child(workspace, contract.API_VERSION, "MlflowBinding", workspace.name, ACCESS)
    # the namespace as well: left out, one that somebody adds by hand would lead elsewhere
    ref = {"name": workspace.name, "namespace": workspace.namespace}
    return head | {"spec": {"workspaceRef": ref}}


def workspace_of(binding: Mapping[str, Any]) -> tuple[str, str]:
    """Namespace and name of the workspace that a live binding claims, valid or not."""
    ref = binding.get("spec", {}).get("workspaceRef", {})
    return ref.get("namespace") or binding["metadata"]["namespace"], ref.get("name", "")


def published_objects(binding: Owner, spec: BindingSpec, connection: Connection) -> list[Manifest]:
    """The ConfigMap and the Secret, then what is wanted only at times.

    The first two always exist, so that references are never optional. The others: a Secret with
    files where the store needs any, a connection for Airflow.
    """
    environment = pod_environment(connection, binding.name, spec.experiment)
    public = {k: v for k, v in environment.items() if k not in contract.SECRET_KEYS}
    public[contract.NAMESPACE] = binding.namespace
    secret = {k: v for k, v in environment.items() if k in contract.SECRET_KEYS}
    name = contract.published_name(binding.name)
    objects = [
        child(binding, "v1", "ConfigMap", name, ACCESS) | {"data": public},
        _secret(binding, name, secret),
    ]
    if connection.pod_store.files:
        objects.append(
            _secret(binding, contract.files_name(binding.name), connection.pod_store.files)
        )
    if spec.airflow.connection:
        objects.append(_airflow_connection(binding, environment))
    return objects


def _secret(binding: Owner, name: str, values: Mapping[str, str]) -> Manifest:
    head = child(binding, "v1", "Secret", name, ACCESS)
    return head | {"type": "Opaque", "data": encoded(values)}


def _airflow_connection(binding: Owner, environment: Mapping[str, str]) -> Manifest:
    values = {VALUE_KEY: connection_value(environment)}
    secret = _secret(binding, contract.connection_name(binding.name), values)
    secret["metadata"]["labels"][CONNECTION_LABEL] = contract.connection_id(binding.name)
    return secret


def launcher_name(binding: str) -> str:
    """Name of the RoleBinding that lets launchers start pods beside the binding."""
    return f"{contract.published_name(binding)}-launcher"


def login_name(binding: str) -> str:
    """Name of the RoleBinding that lets launchers read the binding's login."""
    return f"{contract.published_name(binding)}-login"


def launcher_rights(
    binding: Owner, launchers: Iterable[Launcher], connection: Connection
) -> list[Manifest]:
    """The rights of the launchers, the class's and its own, beside the binding; none without any.

    One that is in `launchers` twice is named once. Whoever verifies a run has to log in where the
    pods have to, and nowhere else.
    """
    roles = {launcher_name(binding.name): LAUNCHER_ROLE}
    if connection.pods_log_in:
        roles[login_name(binding.name)] = LOGIN_ROLE
    subjects = [
        {"kind": "ServiceAccount", "namespace": entry.namespace, "name": entry.service_account}
        for entry in dict.fromkeys(launchers)
    ]
    if not subjects:
        return []
    api_group = "rbac.authorization.k8s.io"
    return [
        child(binding, f"{api_group}/v1", "RoleBinding", name, ACCESS)
        | {
            "roleRef": {"apiGroup": api_group, "kind": "ClusterRole", "name": role},
            "subjects": subjects,
        }
        for name, role in roles.items()
    ]


def pod_fragment(
    binding: Owner, connection: Connection, guard: ContainerImage, mode: GuardMode = "Enforce"
) -> dict[str, Any]:
    """What a pod must carry to reach the workspace, and to be refused when it cannot.

    `mode` says whether the guard refuses, only warns, or is not there.
    """
    name = contract.published_name(binding.name)
    env_from = [{"configMapRef": {"name": name}}, {"secretRef": {"name": name}}]
    mounts = store_mounts(connection.pod_store)
    return {
        "envFrom": env_from,
        "env": _run_tags(binding, connection.workspace),
        "volumes": store_volumes(connection.pod_store, contract.files_name(binding.name)),
        "volumeMounts": mounts,
        "initContainers": [] if mode == "Off" else [_guard(guard, mode, env_from, mounts)],
    }


def _run_tags(binding: Owner, workspace: Owner) -> list[Manifest]:
    """The tags by which a run says whose it is: MLflow itself reads them from the environment."""
    tags = {
        contract.TAG_WORKSPACE: f"{workspace.namespace}/{workspace.name}",
        contract.TAG_BINDING: f"{binding.namespace}/{binding.name}",
        contract.TAG_POD: contract.POD_REFERENCE,
    }
    name = {"fieldRef": {"fieldPath": "metadata.name"}}
    return [
        # first: a value may only refer to what stands before it
        {"name": contract.POD_NAME, "valueFrom": name},
        {"name": contract.RUN_CONTEXT, "value": json.dumps(tags, sort_keys=True)},
    ]


def _guard(
    image: ContainerImage, mode: GuardMode, env_from: list[Manifest], mounts: list[Manifest]
) -> Manifest:
    container = {
        **restricted_container(contract.GUARD_CONTAINER, image),
        "command": ["mooring", "guard"],
        "envFrom": env_from,
        "volumeMounts": mounts,
        "resources": {
            "requests": {"cpu": "10m", "memory": "64Mi"},
            "limits": {"memory": "128Mi"},
        },
    }
    if mode == contract.GUARD_WARN:
        # its own, not the ConfigMap's: the mode changes with the fragment, in one write
        container["env"] = [{"name": contract.GUARD_MODE, "value": mode}]
    return container


def encoded(values: Mapping[str, str]) -> dict[str, str]:
    """Values in the form of a Secret's data."""
    return {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}


def decoded(secret: Manifest) -> dict[str, str]:
    """The values of a live Secret's data; bytes that are no text become U+FFFD."""
    data = secret.get("data", {})
    return {k: base64.b64decode(v).decode(errors="replace") for k, v in data.items()}

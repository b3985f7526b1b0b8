"""The binding of a task: which one, and what its status says."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from kubernetes.client.exceptions import ApiException

from mooring import contract
from mooring.finding import Finding
from mooring_airflow.binding_name import BindingName
from mooring_airflow.errors import MooringError
from mooring_airflow.login import ReadLogin, read_login

ANSWER: Final = ("url", "artifactRoot", "workspace")
"""What a binding's status says once it was answered."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What the status of a ready MlflowBinding says."""

    name: BindingName
    url: str
    artifact_root: str
    workspace: str
    pod: Mapping[str, Any]
    mlflow_workspace: str = ""
    """The workspace of MLflow, on a tracking server that has several."""
    external_url: str = ""
    """The URL of the same server outside the cluster; empty where it has none."""
    login: ReadLogin = field(default=lambda: None, repr=False, compare=False)
    """How to log in where the tracking server asks for it."""

    @property
    def pages(self) -> str:
        """Where people open the server's pages; `url` where only the cluster reaches it."""
        return self.external_url or self.url

    @property
    def headers(self) -> dict[str, str]:
        """What each request to the tracking server says besides."""
        named = self.mlflow_workspace
        return {contract.MLFLOW_WORKSPACE_HEADER: named} if named else {}


def read_binding(hook: Any, name: BindingName, *, ready: bool = True) -> Binding:
    """Read the binding with a KubernetesHook; MooringError when it is missing or not `ready`."""
    try:
        found = hook.get_custom_object(
            group=contract.GROUP,
            version=contract.VERSION,
            plural="mlflowbindings",
            name=name.name,
            namespace=name.namespace,
        )
    except ApiException as error:
        raise MooringError(_unreadable(name, error)) from error
    login = partial(read_login, hook, name.namespace, name.name)
    return replace(parse_binding(name, found, ready=ready), login=login)


def parse_binding(name: BindingName, found: Mapping[str, Any], *, ready: bool = True) -> Binding:
    """The binding in a Kubernetes object; MooringError when it is not ready.

    Without `ready` it is enough that it was answered once: a pod that has ended is verified also
    while its workspace is not well.
    """
    status = found.get("status") or {}
    conditions = {condition["type"]: condition for condition in status.get("conditions") or []}
    is_ready = (conditions.get("Ready") or {}).get("status") == "True"
    if not is_ready and (ready or not all(status.get(key) for key in ANSWER)):
        raise MooringError(Finding("BindingNotReady", _not_ready(name, conditions)))
    workspace = status["workspace"]
    return Binding(
        name=name,
        url=str(status["url"]).rstrip("/"),
        artifact_root=status["artifactRoot"],
        workspace=f"{workspace.get('namespace') or name.namespace}/{workspace['name']}",
        pod=status.get("pod") or {},
        mlflow_workspace=status.get("mlflowWorkspace", ""),
        external_url=status.get("externalUrl", ""),
    )


def _not_ready(name: BindingName, conditions: Mapping[str, Any]) -> str:
    see = f"See: kubectl describe mlflowbinding {name.name} -n {name.namespace}"
    for kind in ("Accepted", "Ready"):
        condition = conditions.get(kind) or {}
        if condition and condition.get("status") != "True":
            said = f"{condition.get('reason', '')}: {condition.get('message', '')}"
            return f"MlflowBinding {name} is not {kind}: {said} {see}"
    return f"MlflowBinding {name} has not been answered yet: is the Mooring operator running? {see}"


def _unreadable(name: BindingName, error: ApiException) -> Finding:
    if error.status == 404:
        return Finding(
            "BindingMissing",
            f"there is no MlflowBinding {name}: correct the task's "
            f"binding, or create it. See: kubectl get mlflowbindings -n "
            f"{name.namespace}",
        )
    if error.status == 403:
        return Finding(
            "BindingForbidden",
            f"Airflow may not read MlflowBinding {name}: add its "
            "service account to spec.launchers of the MlflowWorkspaceClass, or check "
            f"that {name.namespace} has a binding of that name.",
        )
    return Finding(
        "BindingUnreadable",
        f"MlflowBinding {name} could not be read: HTTP {error.status} {error.reason}",
    )

"""The Kubernetes API as reconciliation sees it: kinds, and a few verbs over plain manifests.

Writes are server-side apply under one field manager, so every write may be repeated; see
https://kubernetes.io/docs/reference/using-api/server-side-apply/.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from mooring.contract import API_VERSION

Manifest = dict[str, Any]

FIELD_MANAGER: Final = "mooring-operator"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object, and where its API lies."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def group(self) -> str:
        """The API group, empty for the core."""
        return self.api_version.rpartition("/")[0]

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path of a collection (no name), an object or its subresource."""
        root = "/api/v1" if self.api_version == "v1" else f"/apis/{self.api_version}"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return "/".join(filter(None, (f"{root}{scope}/{self.plural}", name, subresource)))


WORKSPACE_CLASS: Final = Kind(
    API_VERSION, "MlflowWorkspaceClass", "mlflowworkspaceclasses", namespaced=False
)
WORKSPACE: Final = Kind(API_VERSION, "MlflowWorkspace", "mlflowworkspaces")
BINDING: Final = Kind(API_VERSION, "MlflowBinding", "mlflowbindings")
NAMESPACE: Final = Kind("v1", "Namespace", "namespaces", namespaced=False)
SECRET: Final = Kind("v1", "Secret", "secrets")
CONFIG_MAP: Final = Kind("v1", "ConfigMap", "configmaps")
SERVICE: Final = Kind("v1", "Service", "services")
SERVICE_ACCOUNT: Final = Kind("v1", "ServiceAccount", "serviceaccounts")
PERSISTENT_VOLUME_CLAIM: Final = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
POD: Final = Kind("v1", "Pod", "pods")
DEPLOYMENT: Final = Kind("apps/v1", "Deployment", "deployments")
JOB: Final = Kind("batch/v1", "Job", "jobs")
POD_DISRUPTION_BUDGET: Final = Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
NETWORK_POLICY: Final = Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
INGRESS: Final = Kind("networking.k8s.io/v1", "Ingress", "ingresses")
HTTP_ROUTE: Final = Kind("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes")
SERVICE_MONITOR: Final = Kind("monitoring.coreos.com/v1", "ServiceMonitor", "servicemonitors")
AUTOSCALER: Final = Kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
EVENT: Final = Kind("v1", "Event", "events")
LEASE: Final = Kind("coordination.k8s.io/v1", "Lease", "leases")
CRON_JOB: Final = Kind("batch/v1", "CronJob", "cronjobs")
ROLE_BINDING: Final = Kind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")

KINDS: Final = {
    (kind.api_version, kind.kind): kind
    for kind in (
        WORKSPACE_CLASS,
        WORKSPACE,
        BINDING,
        SECRET,
        CONFIG_MAP,
        SERVICE,
        PERSISTENT_VOLUME_CLAIM,
        SERVICE_ACCOUNT,
        SERVICE_MONITOR,
        DEPLOYMENT,
        HTTP_ROUTE,
        INGRESS,
        JOB,
        NETWORK_POLICY,
        CRON_JOB,
        POD_DISRUPTION_BUDGET,
        ROLE_BINDING,
    )
}


class KubeError(Exception):
    """The API server refused or did not answer.

    `status` is its HTTP status, 0 for none; `said` is its sentence alone.
    """

    def __init__(self, status: int, said: str, request: str = "") -> None:
        super().__init__(f"{request}: {said}" if request else said)
        self.status = status
        self.said = said


class Server(Protocol):
    """What can be asked of the API server."""

    def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """The live object, None where there is none."""

    def search(self, kind: Kind, namespace: str = "", labels: str = "") -> list[Manifest]:
        """The live objects of a namespace, or of all, that carry the labels of the selector."""

    def walk(
        self, kind: Kind, labels: str, namespace: str = "", fields: str = ""
    ) -> Iterator[Manifest]:
        """The live objects that the selectors take, page by page; none of a kind nobody serves."""

    def names(self, kind: Kind, namespace: str, fields: str) -> Iterator[str]:
        """Names of the live objects of a namespace that a selector of fields takes."""

    def serves(self, kind: Kind) -> bool:
        """Whether the API server knows the kind: that of somebody else's definition may come."""

    def cluster(self) -> str:
        """What tells this cluster from every other one: the uid of namespace kube-system."""

    def apply(self, manifest: Manifest, *, status: bool = False) -> Manifest:
        """Server-side apply of the object, or of its status alone; the answer is what it is now."""

    def create(self, manifest: Manifest) -> Manifest:
        """Make the object; KubeError 409 where there is one of its name."""

    def merge(self, live: Manifest, fields: Mapping[str, Any]) -> Manifest:
        """Merge `fields` into a live object; lists are replaced as a whole.

        With metadata.resourceVersion among them, only if it did not change meanwhile (409).
        """

    def delete(self, kind: Kind, namespace: str, name: str, version: str = "") -> None:
        """Delete the object and, in the background, what it owns; none there is fine.

        With a resource version, only if it did not change meanwhile (409).
        """


class Kube(Server, Protocol):
    """What reconciliation needs of the API server."""

    def held(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """As `get`, for what only matters if the operator made it, or a person made it for it.

        An object of somebody else that has the same name may be left out.
        """

    def anew(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """As `get`, also of what no watch has told yet; whoever asks later gets it too."""

    def known(self, kind: Kind, namespace: str = "", labels: str = "") -> list[Manifest]:
        """As `search`, of what the operator or a person made, as far as watches have told."""

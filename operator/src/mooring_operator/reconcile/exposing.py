"""The tracking server's name outside the cluster."""

from typing import Final

from mooring_operator.api.conditions import Finding
from mooring_operator.api.exposure import Exposure
from mooring_operator.kube import HTTP_ROUTE, KINDS, Kind
from mooring_operator.plan.exposure import exposing_object, external
from mooring_operator.plan.metadata import Owner
from mooring_operator.reconcile.serving import ensure_beside
from mooring_operator.reconcile.world import Blocked, World
from mooring_operator.status.routes import route_finding

CLUSTER_ISSUER: Final = Kind(
    "cert-manager.io/v1", "ClusterIssuer", "clusterissuers", namespaced=False
)


def expose(world: World, workspace: Owner, exposure: Exposure) -> str:
    """Have the HTTPRoute or Ingress; the URL that it answers to, outside the cluster.

    Raises Blocked with what it waits for, or why it cannot be.
    """
    desired = exposing_object(workspace, exposure)
    kind = KINDS[(desired["apiVersion"], desired["kind"])]
    if not world.kube.serves(kind):
        message = (
            "class, spec.exposure.gateway: the cluster does not know HTTPRoutes "
            f"({kind.api_version}); install the Gateway API, or use spec.exposure.ingress"
        )
        # the watch of its kind looks for it
        raise Blocked(Finding("NotInstalled", message, waiting=True))
    live = ensure_beside(world, workspace, desired)
    if kind == HTTP_ROUTE:
        finding = route_finding(live)
        if finding:
            raise Blocked(finding)
    tls = exposure.ingress.tls if exposure.ingress else None
    if tls and tls.cluster_issuer and not world.kube.serves(CLUSTER_ISSUER):
        message = (
            f"class, spec.exposure.ingress.tls.clusterIssuer is {tls.cluster_issuer!r}, but the "
            "cluster does not know ClusterIssuers; install cert-manager, or use tls.secretName"
        )
        raise Blocked(Finding("NotInstalled", message))
    return external(workspace, exposure).url

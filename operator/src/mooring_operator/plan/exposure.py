"""A tracking server's name outside the cluster: HTTPRoute or Ingress."""

from dataclasses import dataclass
from typing import Any, Final

from mooring_operator.api.exposure import Exposure, GatewayExposure, IngressExposure
from mooring_operator.plan.connection import PORT
from mooring_operator.plan.metadata import SERVER, Manifest, Owner, child

CERTIFICATE: Final = "tls"
ISSUER_ANNOTATION: Final = "cert-manager.io/cluster-issuer"
"""cert-manager makes the Certificate of an Ingress that has it:
https://cert-manager.io/docs/usage/ingress/."""


@dataclass(frozen=True, slots=True)
class External:
    """Where people outside the cluster find a tracking server."""

    host: str
    scheme: str

    @property
    def url(self) -> str:
        """What they type, and what their browsers send as Origin."""
        return f"{self.scheme}://{self.host}"


def external(workspace: Owner, exposure: Exposure) -> External:
    """The host of one workspace, and how it is spoken to."""
    names = {"{name}": workspace.name, "{namespace}": workspace.namespace}
    host = ".".join(names.get(part, part) for part in exposure.host.split("."))
    if exposure.gateway:
        return External(host, exposure.gateway.scheme)
    tls = exposure.ingress is not None and exposure.ingress.tls is not None
    return External(host, "https" if tls else "http")


def exposing_object(workspace: Owner, exposure: Exposure) -> Manifest:
    """The HTTPRoute or Ingress that leads to the tracking server."""
    host = external(workspace, exposure).host
    if exposure.gateway:
        return _route(workspace, host, exposure.gateway)
    return _ingress(workspace, host, exposure.ingress or IngressExposure())


def _route(workspace: Owner, host: str, gateway: GatewayExposure) -> Manifest:
    api_version = "gateway.networking.k8s.io/v1"
    head = child(workspace, api_version, "HTTPRoute", workspace.child_name, SERVER)
    parents = [ref.model_dump(by_alias=True, exclude_none=True) for ref in gateway.parent_refs]
    backend = {"name": workspace.child_name, "port": PORT}
    return head | {
        "spec": {
            "parentRefs": parents,
            "hostnames": [host],
            "rules": [{"backendRefs": [backend]}],
        }
    }


def _ingress(workspace: Owner, host: str, ingress: IngressExposure) -> Manifest:
    head = child(workspace, "networking.k8s.io/v1", "Ingress", workspace.child_name, SERVER)
    backend = {"service": {"name": workspace.child_name, "port": {"name": "http"}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    spec: dict[str, Any] = {"rules": [{"host": host, "http": {"paths": [path]}}]}
    annotations = dict(ingress.annotations)
    if ingress.class_name:
        spec["ingressClassName"] = ingress.class_name
    if ingress.tls:
        if ingress.tls.cluster_issuer:
            annotations[ISSUER_ANNOTATION] = ingress.tls.cluster_issuer
        secret = ingress.tls.secret_name or workspace.child_name_for(CERTIFICATE)
        spec["tls"] = [{"hosts": [host], "secretName": secret}]
    return head | {"metadata": head["metadata"] | {"annotations": annotations}, "spec": spec}

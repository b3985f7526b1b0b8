"""Who may reach a tracking server: https://kubernetes.io/docs/concepts/services-networking/network-policies/."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from mooring_operator.api.base import Launcher
from mooring_operator.api.network import NetworkAccess
from mooring_operator.plan.connection import PORT
from mooring_operator.plan.metadata import SERVER, Manifest, Owner, child, selector

NAMESPACE_LABEL: Final = "kubernetes.io/metadata.name"
"""The API server sets it on every namespace, and nobody can change it."""


def visitors(
    workspace: Owner, bindings: Iterable[Mapping[str, Any]], launchers: Iterable[Launcher]
) -> list[str]:
    """Namespaces whose pods use the server of a workspace.

    `bindings` are the live ones that it admits. A launcher reads the runs of the pods that it
    started, so its own namespace counts.
    """
    found = {workspace.namespace, *(launcher.namespace for launcher in launchers)}
    for binding in bindings:
        found.add(binding["metadata"]["namespace"])
        launcher = binding.get("spec", {}).get("launcher")
        if launcher:
            found.add(launcher["namespace"])
    return sorted(found)


def network_policy(workspace: Owner, access: NetworkAccess, namespaces: list[str]) -> Manifest:
    """The NetworkPolicy that lets in the pods of `namespaces`, and of those the class names."""
    named = {"matchExpressions": [{"key": NAMESPACE_LABEL, "operator": "In", "values": namespaces}]}
    selectors = [named, *(each.model_dump(by_alias=True) for each in access.also_from)]
    head = child(workspace, "networking.k8s.io/v1", "NetworkPolicy", workspace.child_name, SERVER)
    return head | {
        "spec": {
            "podSelector": {"matchLabels": selector(workspace, SERVER)},
            "policyTypes": ["Ingress"],
            "ingress": [
                {
                    "from": [{"namespaceSelector": each} for each in selectors],
                    "ports": [{"port": PORT, "protocol": "TCP"}],
                }
            ],
        }
    }

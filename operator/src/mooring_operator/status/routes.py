"""What Gateways say of a route."""

from collections.abc import Mapping
from typing import Any

from mooring_operator.api.conditions import Finding


def route_finding(route: Mapping[str, Any]) -> Finding | None:
    """None when a Gateway took the route."""
    name, said = route["metadata"]["name"], ""
    for parent in route.get("status", {}).get("parents", []):
        for condition in parent.get("conditions", []):
            if condition["type"] != "Accepted":
                continue
            if condition["status"] == "True":
                return None
            gateway = parent.get("parentRef", {}).get("name", "")
            said = f"Gateway {gateway} refuses it: {condition.get('message', '')}"
    if said:
        message = f"HTTPRoute {name}: {said}; see spec.exposure.gateway of the class"
        # its status changes when the Gateway does
        return Finding("NotAccepted", message, waiting=True)
    return Finding("Waiting", f"HTTPRoute {name}: no Gateway has answered yet", waiting=True)

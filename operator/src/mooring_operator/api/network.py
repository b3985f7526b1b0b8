"""Who may reach the tracking servers of a class."""

from typing import Annotated

from pydantic import Field

from mooring_operator.api.base import ApiModel
from mooring_operator.api.workspace import NamespaceSelector


class NetworkAccess(ApiModel):
    """The NetworkPolicy of every tracking server."""

    enabled: Annotated[
        bool,
        Field(
            description="Whether each tracking server has a NetworkPolicy. It lets in the "
            "namespaces of the workspace and of the bindings that it admits, and those of the "
            "launchers. A cluster whose network does not enforce NetworkPolicies lets everybody in."
        ),
    ] = True
    also_from: Annotated[
        list[NamespaceSelector],
        Field(
            max_length=8,
            description="More namespaces whose pods may reach every tracking server, by their "
            "labels: the ingress controller's or the gateway's, and Prometheus's.",
        ),
    ] = Field(default_factory=list)

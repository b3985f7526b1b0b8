"""How Prometheus finds the tracking servers of a class."""

from typing import Annotated

from pydantic import Field

from mooring_operator.api.base import ApiModel


class Monitoring(ApiModel):
    """A ServiceMonitor of the Prometheus operator for every tracking server."""

    labels: Annotated[
        dict[str, Annotated[str, Field(max_length=63)]],
        Field(max_length=16, description="Its labels, by which a Prometheus selects it."),
    ] = Field(default_factory=dict)
    interval: Annotated[
        str,
        Field(max_length=8, pattern=r"^[1-9][0-9]*(s|m)$", description="Time between two scrapes."),
    ] = "30s"

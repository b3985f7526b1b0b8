"""The metrics of a tracking server."""

from typing import Final

from mooring_operator.api.monitoring import Monitoring
from mooring_operator.plan.metadata import SERVER, Manifest, Owner, child, selector

METRICS_FOLDER: Final = "/tmp/prometheus"  # noqa: S108 (a path in the container)
"""Where the server's processes add up what `/metrics` tells."""


def service_monitor(workspace: Owner, monitoring: Monitoring) -> Manifest:
    """What tells Prometheus where the server's metrics are.

    It scrapes pods by their address, which is one of the server's allowed hosts.
    """
    api_version = "monitoring.coreos.com/v1"
    head = child(workspace, api_version, "ServiceMonitor", workspace.child_name, SERVER)
    endpoint = {"port": "http", "path": "/metrics", "interval": monitoring.interval}
    labels = {**monitoring.labels, **head["metadata"]["labels"]}
    return head | {
        "metadata": head["metadata"] | {"labels": labels},
        "spec": {
            "selector": {"matchLabels": selector(workspace, SERVER)},
            "endpoints": [endpoint],
        },
    }

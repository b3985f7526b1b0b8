"""What tells Prometheus of a tracking server."""

from mooring_operator.api.monitoring import Monitoring
from mooring_operator.plan.metadata import SERVER, Owner, labels, selector
from mooring_operator.plan.monitoring import service_monitor

WORKSPACE = Owner("MlflowWorkspace", "team-a", "models", "1")


def test_a_monitor_is_found_by_the_class_s_labels_and_stays_ours() -> None:
    ours = labels(WORKSPACE, SERVER)
    asked = {"release": "prometheus", "app.kubernetes.io/managed-by": "helm"}
    made = service_monitor(WORKSPACE, Monitoring(labels=asked, interval="1m"))
    assert made["metadata"]["labels"] == {"release": "prometheus", **ours}
    assert made["spec"]["selector"]["matchLabels"] == selector(WORKSPACE, SERVER)
    assert made["spec"]["endpoints"] == [{"port": "http", "path": "/metrics", "interval": "1m"}]

"""The tracking server as Prometheus finds it."""

from mooring_operator.api.conditions import Finding
from mooring_operator.api.monitoring import Monitoring
from mooring_operator.kube import SERVICE_MONITOR
from mooring_operator.plan.metadata import Owner
from mooring_operator.plan.monitoring import service_monitor
from mooring_operator.reconcile.serving import ensure_beside
from mooring_operator.reconcile.world import Blocked, World


def monitor(world: World, workspace: Owner, monitoring: Monitoring) -> None:
    """Have the ServiceMonitor; raises Blocked where the cluster does not know them."""
    if not world.kube.serves(SERVICE_MONITOR):
        message = (
            "class, spec.monitoring: the cluster does not know ServiceMonitors "
            f"({SERVICE_MONITOR.api_version}); install the Prometheus operator, or leave it out"
        )
        # the watch of its kind looks for it
        raise Blocked(Finding("NotInstalled", message, waiting=True))
    ensure_beside(world, workspace, service_monitor(workspace, monitoring))

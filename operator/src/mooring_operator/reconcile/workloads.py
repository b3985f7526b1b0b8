"""What runs for one workspace, read from the cluster."""

from mooring_operator.kube import DEPLOYMENT, POD, Manifest
from mooring_operator.plan.metadata import SERVER, WORKSPACE_LABEL, Owner, labels
from mooring_operator.reconcile.world import World


def selector_of(workspace: Owner, component: str) -> str:
    """Selector of what the operator made for a component of the workspace."""
    wanted = labels(workspace, component)
    keys = (WORKSPACE_LABEL, "app.kubernetes.io/component", "app.kubernetes.io/managed-by")
    return ",".join(f"{key}={wanted[key]}" for key in keys)


def pods_of(world: World, workspace: Owner, component: str) -> list[Manifest]:
    """The pods of a component, whatever their state."""
    return world.kube.search(POD, workspace.namespace, selector_of(workspace, component))


def deployment_of(world: World, workspace: Owner) -> Manifest | None:
    """The Deployment of the tracking server."""
    return world.kube.get(DEPLOYMENT, workspace.namespace, workspace.child_name)


def serves(world: World, workspace: Owner) -> bool:
    """Whether the workspace has a tracking server that is available."""
    live = world.kube.held(DEPLOYMENT, workspace.namespace, workspace.child_name)
    return live is not None and live.get("status", {}).get("availableReplicas", 0) > 0


def server_is_gone(world: World, workspace: Owner) -> bool:
    """Have no tracking server run; whether the last one has ended."""
    live = deployment_of(world, workspace)
    if live is not None and live["spec"].get("replicas", 1):
        world.kube.merge(live, {"spec": {"replicas": 0}})
    return not pods_of(world, workspace, SERVER)


def no_server_ends(world: World, workspace: Owner) -> bool:
    """Whether no tracking server is on its way out: such a one still answers."""
    pods = pods_of(world, workspace, SERVER)
    return not any("deletionTimestamp" in pod["metadata"] for pod in pods)

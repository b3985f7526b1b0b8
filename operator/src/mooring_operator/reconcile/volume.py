"""The volume of a workspace whose class has no object store."""

from mooring_operator.api.artifactstore import VolumeStore
from mooring_operator.api.conditions import Finding
from mooring_operator.kube import PERSISTENT_VOLUME_CLAIM
from mooring_operator.plan.metadata import Owner, belongs, child
from mooring_operator.plan.sizing import Size
from mooring_operator.plan.volume import DATA, volume_claim
from mooring_operator.reconcile.world import Blocked, World, apply, require_ours


def ensure_volume(world: World, workspace: Owner, volume: VolumeStore, servers: Size) -> None:
    """Have the claim for one server, or keep the one that an earlier workspace of this name left.

    What stands is left alone: most fields of a claim cannot be changed, and its size is the
    business of whoever owns the StorageClass. Raises Blocked where the name is taken, and for
    more than one server.
    """
    if servers.replicas != 1:
        found = servers.replicas or "an autoscaler"
        message = (
            f"MlflowWorkspace {workspace.namespace}/{workspace.name}, spec.server.replicas: found "
            f"{found}, but its class keeps artifacts on a volume, which one server mounts at a "
            "time: set it to 1"
        )
        raise Blocked(Finding("OneServer", message))
    name = workspace.child_name_for(DATA)
    live = world.kube.get(PERSISTENT_VOLUME_CLAIM, workspace.namespace, name)
    require_ours(child(workspace, "v1", "PersistentVolumeClaim", name, DATA), live)
    if live is None:
        apply(world, volume_claim(workspace, volume), None)


def remove_volume(world: World, workspace: Owner) -> None:
    """Have the claim deleted; its volume goes when the server's pod has."""
    name = workspace.child_name_for(DATA)
    live = world.kube.get(PERSISTENT_VOLUME_CLAIM, workspace.namespace, name)
    if live is not None and belongs(live, workspace):
        world.kube.delete(PERSISTENT_VOLUME_CLAIM, workspace.namespace, name)

"""The volume of a workspace whose class has no object store."""

from mooring_operator.api.artifactstore import VolumeStore
from mooring_operator.api.conditions import Finding
from mooring_operator.kube import PERSISTENT_VOLUME_CLAIM
from mooring_operator.plan.metadata import Owner, child
from mooring_operator.plan.sizing import Size
from mooring_operator.plan.volume import DATA, volume_claim
from mooring_operator.reconcile.world import Blocked, World, apply, delete_own, require_ours


def ensure_volume(
    world: World, workspace: Owner, volume: VolumeStore, servers: Size, *, collected: bool
) -> None:
    """Have the claim for one server, or keep the one that an earlier workspace of this name left.

    What stands is left alone: most fields of a claim cannot be changed, and its size is the
    business of whoever owns the StorageClass. Raises Blocked where the name is taken, for more than
    one server, and where it is `collected`, from a pod beside the server, and one pod may mount it.
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
    modes = live["spec"]["accessModes"] if live else [volume.access_mode]
    if collected and "ReadWriteOncePod" in modes:
        message = (
            f"MlflowWorkspace {workspace.namespace}/{workspace.name}, spec.garbageCollection: its "
            f"PersistentVolumeClaim {name} is ReadWriteOncePod, so no other pod than the server's "
            "can mount it and remove anything: take the field away, or make the workspace anew in "
            "a class with artifactStore.volume.accessMode: ReadWriteOnce"
        )
        raise Blocked(Finding("OnePod", message))
    if live is None:
        apply(world, volume_claim(workspace, volume), None)


def remove_volume(world: World, workspace: Owner) -> None:
    """Have the claim deleted; its volume goes when the server's pod has."""
    name = workspace.child_name_for(DATA)
    live = world.kube.get(PERSISTENT_VOLUME_CLAIM, workspace.namespace, name)
    delete_own(world.kube, live, workspace)

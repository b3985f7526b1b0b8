"""The data of a workspace: what there is, and its removal in slices.

Artifacts go first and the database last: without the artifacts it still says what there was,
without it nothing would say what the artifacts are.
"""

import time
from typing import Final

from mooring_operator.api.artifactstore import ArtifactStore, VolumeStore
from mooring_operator.api.backendstore import BackendStore, PostgresqlStore
from mooring_operator.api.conditions import Finding
from mooring_operator.api.external import ExternalArtifacts
from mooring_operator.api.lifecycle import DeletionPolicy, DeletionStatus
from mooring_operator.api.s3 import ExistingArtifacts
from mooring_operator.api.workspace import WorkspaceSpec
from mooring_operator.api.workspaceclass import WorkspaceClassSpec
from mooring_operator.kube import WORKSPACE, Manifest
from mooring_operator.plan.artifactstore import store_client
from mooring_operator.plan.deletion import answered, asked_for
from mooring_operator.plan.metadata import Owner, namespaced_name
from mooring_operator.plan.volume import DATA
from mooring_operator.reconcile.outside import artifact_data, database_data
from mooring_operator.reconcile.volume import remove_volume
from mooring_operator.reconcile.world import Blocked, World, ask, attempt
from mooring_operator.stores.contents import ArtifactData, Objects, Records
from mooring_operator.stores.names import database_names

COUNTED: Final = 10_000
"""Objects that are counted: 10 calls to S3, 8 s on a busy versitygw. More is said to be more."""

_VOLUME: Final = "what lies on the volume: only the tracking server can read that"

SLICE_S: Final = 5.0
"""After this time a removal lets other objects have the worker, and comes back."""


def deletion_policy(spec: WorkspaceSpec, class_: WorkspaceClassSpec) -> DeletionPolicy:
    """What becomes of a workspace's data: the workspace has the word, else its class."""
    return spec.deletion_policy or class_.deletion_policy


def list_asked(
    world: World, live: Manifest, workspace: Owner, spec: WorkspaceSpec, class_: WorkspaceClassSpec
) -> DeletionStatus | None:
    """The list that the annotation asks for, made once for each of its values; None without it."""
    asked, policy = asked_for(live), deletion_policy(spec, class_)
    if not asked:
        return None
    before = answered(live, asked)
    if before is not None:
        return before.model_copy(update={"policy": policy})
    found = attempt(lambda: list_data(world, workspace, class_, policy, asked))
    if isinstance(found, Finding):
        return unlisted(workspace, class_, policy, asked, found.message)
    return found


def list_data(
    world: World, workspace: Owner, class_: WorkspaceClassSpec, policy: DeletionPolicy, asked: str
) -> DeletionStatus:
    """What the end of a workspace takes along; `asked` is kept with it. Raises Blocked."""
    objects = _measure(world, workspace, class_.artifact_store)
    records = _read(world, workspace, class_.backend_store)
    on_volume = isinstance(class_.artifact_store.chosen, VolumeStore)
    named = unlisted(workspace, class_, policy, asked, _VOLUME if on_volume else None)
    return named.model_copy(
        update={
            "objects": objects.count if objects else None,
            "bytes": objects.bytes if objects else None,
            "more": True if objects and not objects.all else None,
            "experiments": records.experiments if records else None,
            "runs": records.runs if records else None,
        }
    )


def unlisted(
    workspace: Owner,
    class_: WorkspaceClassSpec,
    policy: DeletionPolicy,
    asked: str,
    why: str | None,
) -> DeletionStatus:
    """The same as far as it is known without asking anybody, with `why` it is not known wholly."""
    return DeletionStatus(
        asked=asked,
        policy=policy,
        artifacts=artifacts_of(workspace, class_.artifact_store),
        database=database_of(workspace, class_.backend_store),
        unknown=why,
    )


def artifacts_of(workspace: Owner, store: ArtifactStore) -> str | None:
    """The place of a workspace's artifacts, in words; None where they are not the class's."""
    match store.chosen:
        case ExistingArtifacts() | ExternalArtifacts():
            return None
        case VolumeStore():
            claim = workspace.child_name_for(DATA)
            return f"PersistentVolumeClaim {workspace.namespace}/{claim}"
    return store_client(store, workspace, {}).root


def database_of(workspace: Owner, store: BackendStore) -> str | None:
    """Name of a workspace's database; None where it is a file, or the team's own."""
    if not isinstance(store.chosen, PostgresqlStore):
        return None
    return database_names(workspace.namespace, workspace.name).database


def remove_artifacts(world: World, workspace: Owner, store: ArtifactStore) -> tuple[int, bool]:
    """Remove artifacts for a while: how many objects, and whether all are gone. Raises Blocked."""
    if isinstance(store.chosen, VolumeStore):
        remove_volume(world, workspace)
        return 0, True
    data = artifact_data(world.kube, store, workspace)
    if data is None:
        return 0, True
    _require_unshared(world, workspace, store_client(store, workspace, {}).root)
    return ask(lambda: remove_for(data, SLICE_S))


def remove_for(data: ArtifactData, seconds: float) -> tuple[int, bool]:
    """Remove objects for that long: how many, and whether none is left. Raises StoreError."""
    end, removed = time.monotonic() + seconds, 0
    while now := data.remove():
        removed += now
        if time.monotonic() >= end:
            return removed, False
    return removed, True


def remove_database(world: World, workspace: Owner, store: BackendStore) -> None:
    """Drop the database, its copies and its owner. Raises Blocked."""
    if not isinstance(store.chosen, PostgresqlStore):
        return
    names = database_names(workspace.namespace, workspace.name)
    data = database_data(world.kube, store.chosen, names)
    ask(data.remove)


def _measure(world: World, workspace: Owner, store: ArtifactStore) -> Objects | None:
    data = artifact_data(world.kube, store, workspace)
    if data is None:
        return None
    return ask(lambda: data.measure(COUNTED))


def _read(world: World, workspace: Owner, store: BackendStore) -> Records | None:
    if not isinstance(store.chosen, PostgresqlStore):
        return None
    names = database_names(workspace.namespace, workspace.name)
    data = database_data(world.kube, store.chosen, names)
    return ask(lambda: data.read(since=0))


def _require_unshared(world: World, workspace: Owner, root: str) -> None:
    """Raise Blocked where another workspace keeps its artifacts below `root`.

    Another class may have a longer prefix in the same bucket, and a team may have taken the place
    over with artifactStore.existing.
    """
    for other in world.kube.search(WORKSPACE):
        if namespaced_name(other) == (workspace.namespace, workspace.name):
            continue
        if any(f"{place}/".startswith(f"{root}/") for place in _places(other)):
            named = "/".join(namespaced_name(other))
            message = (
                f"MlflowWorkspace {named} keeps its artifacts below {root} too: delete that one "
                "first, or keep the data: set spec.deletionPolicy: Retain"
            )
            raise Blocked(Finding("SharedArtifacts", message))


def _places(workspace: Manifest) -> list[str]:
    """Where a live workspace keeps its artifacts, or is about to."""
    own = workspace.get("spec", {}).get("artifactStore", {}).get("existing", {}).get("uri")
    return [place for place in (own, workspace.get("status", {}).get("artifactRoot")) if place]

"""The end of a workspace: credentials are revoked, data stays or goes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

import structlog

from mooring_operator.api.conditions import READY, Finding, Verdict
from mooring_operator.api.lifecycle import DeletionStatus
from mooring_operator.api.workspace import WorkspaceSpec
from mooring_operator.api.workspaceclass import WorkspaceClassSpec
from mooring_operator.kube import WORKSPACE, WORKSPACE_CLASS, Manifest
from mooring_operator.plan.deletion import (
    FORCE_ANNOTATION,
    blocked,
    deleting,
    dumped,
    is_forced,
    listed,
)
from mooring_operator.plan.metadata import CLEANUP_FINALIZER, Owner
from mooring_operator.plan.rotation import policy_of
from mooring_operator.queue import Key
from mooring_operator.reconcile.database import revoke_logins
from mooring_operator.reconcile.inflight import runs_in_flight
from mooring_operator.reconcile.loading import class_name, load_class, parse_spec, provisioned_class
from mooring_operator.reconcile.provision import revoke_store
from mooring_operator.reconcile.removal import (
    artifacts_of,
    database_of,
    deletion_policy,
    list_asked,
    list_data,
    remove_artifacts,
    remove_database,
    unlisted,
)
from mooring_operator.reconcile.report import report
from mooring_operator.reconcile.transitions import announce
from mooring_operator.reconcile.world import Blocked, Outcome, World, attempt, set_metadata
from mooring_operator.stores.errors import Reason
from mooring_operator.stores.names import database_names, identity

Result = TypeVar("Result")

log = structlog.get_logger()

_UNREVOKED: Final = "the workspace's credentials cannot be revoked"


def delete_workspace(world: World, live: Manifest, workspace: Owner) -> Outcome:
    """Take back and remove what lies outside the cluster; the API server deletes the rest.

    What cannot be done blocks the deletion, and the Ready condition says why, unless the workspace
    is marked with `FORCE_ANNOTATION`: then the log and an Event say what is left behind. A pass
    takes seconds at most; the next one goes on where it ended.
    """
    finalizers = live["metadata"].get("finalizers", [])
    if CLEANUP_FINALIZER not in finalizers:
        return Outcome()
    ending = _Ending(world, live, workspace, is_forced(live), listed(live))
    try:
        under_way = _end(ending)
    except Blocked as reason:
        return ending.report(reason.finding, ending.told)
    if under_way is not None:
        ending.report(deleting(under_way), under_way)
        world.queue.add(Key(WORKSPACE.kind, workspace.namespace, workspace.name))
        return Outcome()
    if ending.left:
        ending.tell_left()
    set_metadata(world, live, finalizers=[f for f in finalizers if f != CLEANUP_FINALIZER])
    return Outcome()


@dataclass(slots=True)
class _Ending:
    """A look at a workspace that ends.

    `told` is what its status says that it has, `left` is what stays behind. `foreign` says that
    another cluster has a workspace of that name, whose credentials or data were found.
    """

    world: World
    live: Manifest
    workspace: Owner
    forced: bool
    told: DeletionStatus | None
    left: list[str] = field(default_factory=list)
    foreign: bool = False

    def step(self, what: str, leaves: str, do: Callable[[], Result]) -> Result | None:
        """What `do` returns. Where it is Blocked, raises Blocked with `what`, or leaves it."""
        try:
            return do()
        except Blocked as reason:
            self.cannot(what, leaves, reason.finding)
            return None

    def cannot(self, what: str, leaves: str, why: Finding) -> None:
        """Raise Blocked with `what` and `why`, or leave it.

        What is another cluster's is left without being forced: nothing of it is the workspace's.
        """
        told = f"{leaves}, because: {why.message}"
        if why.reason == Reason.OTHER_CLUSTER:
            self.foreign, told = True, why.message
        elif not self.forced:
            raise Blocked(blocked(self.workspace, what, leaves, why))
        if told not in self.left:
            self.left.append(told)

    def report(self, finding: Finding, deletion: DeletionStatus | None) -> Outcome:
        """Say why the workspace is still there."""
        fields = {"className": provisioned_class(self.live), "deletion": dumped(deletion)}
        return report(self.world, self.live, [Verdict(READY, finding)], fields)

    def tell_left(self) -> None:
        """Say what is left behind, where it is read when the workspace is gone."""
        found = " ".join(self.left)
        if self.forced:
            reason = "DeletionForced"
            message = f"deletion forced by {FORCE_ANNOTATION}: left behind, perhaps valid: {found}"
        else:
            reason, message = Reason.OTHER_CLUSTER, f"what was left alone: {found}"
        named = f"{self.workspace.kind} {self.workspace.namespace}/{self.workspace.name}"
        log.warning("left behind", object=named, reason=reason, message=message)
        announce(self.world, self.live, Verdict(READY, Finding(reason, message)))


def _end(ending: _Ending) -> DeletionStatus | None:
    """Do what is to be done before the workspace may go; what is under way, None for nothing.

    What goes is written down before anything does. Raises Blocked.
    """
    world, live, workspace = ending.world, ending.live, ending.workspace
    left = f"{_credentials(workspace)}, and its data"
    found = ending.step(_UNREVOKED, left, lambda: _load(world, live))
    if found is None:
        return None
    spec, class_ = found
    ending.told = ending.told or list_asked(world, live, workspace, spec, class_)
    if not ending.forced:
        _wait_for_runs(ending, spec, class_)
    delete = deletion_policy(spec, class_) == "Delete"
    list_ = listed(live)
    if delete and list_ is None:
        list_ = _list(ending, class_)
        log.info("deleting", object=f"{workspace.namespace}/{workspace.name}",
                 **list_.model_dump(exclude_none=True))  # fmt: skip
        return list_
    _revoke(ending, class_)
    return _remove(ending, class_, list_) if delete and list_ and not ending.foreign else None


def _revoke(ending: _Ending, class_: WorkspaceClassSpec) -> None:
    """Take every credential back, retiring ones too: each half even when the other one cannot be.

    Raises Blocked.
    """
    world, workspace = ending.world, ending.workspace
    store = attempt(lambda: revoke_store(world, workspace, class_.artifact_store))
    logins = attempt(lambda: revoke_logins(world, workspace, class_.backend_store))
    found = {_user(workspace): store, _logins(workspace): logins}
    findings = {what: each for what, each in found.items() if each is not None}
    for what, why in findings.items():
        if why.reason == Reason.OTHER_CLUSTER:
            ending.cannot(_UNREVOKED, what, why)
    others = {w: why for w, why in findings.items() if why.reason != Reason.OTHER_CLUSTER}
    if others:
        first, *_ = others.values()
        why = Finding(first.reason, " ".join(each.message for each in others.values()))
        ending.cannot(_UNREVOKED, " and ".join(others), why)


def _wait_for_runs(ending: _Ending, spec: WorkspaceSpec, class_: WorkspaceClassSpec) -> None:
    """Raise Blocked while runs are in flight, or nobody can tell."""
    world, workspace = ending.world, ending.workspace
    grace = policy_of(ending.live, spec.rotation, class_.rotation).grace
    found = ending.step(
        "whether runs are in flight cannot be told, and credentials are not revoked before that",
        _credentials(workspace),
        lambda: runs_in_flight(world, workspace, class_.backend_store, grace),
    )
    if found is not None:
        raise Blocked(found)


def _load(world: World, live: Manifest) -> tuple[WorkspaceSpec, WorkspaceClassSpec]:
    # what no watch has told of yet may be what keeps the data
    if name := class_name(live):
        world.kube.anew(WORKSPACE_CLASS, "", name)
    return parse_spec(WorkspaceSpec, live), load_class(world.kube, live).spec


def _list(ending: _Ending, class_: WorkspaceClassSpec) -> DeletionStatus:
    world, workspace = ending.world, ending.workspace
    asked = ending.live["metadata"]["deletionTimestamp"]
    found = attempt(lambda: list_data(world, workspace, class_, "Delete", asked))
    if not isinstance(found, Finding):
        return found
    if not ending.forced and found.reason != Reason.OTHER_CLUSTER:
        what = "the workspace's data cannot be listed, so it does not go (deletionPolicy is Delete)"
        raise Blocked(blocked(workspace, what, f"{_credentials(workspace)}, and data", found))
    return unlisted(workspace, class_, "Delete", asked, found.message)


def _remove(
    ending: _Ending, class_: WorkspaceClassSpec, found: DeletionStatus
) -> DeletionStatus | None:
    """Remove the data; what is under way, None when it is all gone. Raises Blocked."""
    world, workspace = ending.world, ending.workspace
    artifacts, backend = class_.artifact_store, class_.backend_store
    removed, done = ending.step(
        "the workspace's artifacts cannot be removed (deletionPolicy is Delete)",
        f"what is left in {artifacts_of(workspace, artifacts)}",
        lambda: remove_artifacts(world, workspace, artifacts),
    ) or (0, True)
    if not done:
        return found.model_copy(update={"removed": (found.removed or 0) + removed})
    ending.step(
        "the workspace's database cannot be removed (deletionPolicy is Delete)",
        f"database {database_of(workspace, backend)}",
        lambda: remove_database(world, workspace, backend),
    )
    return None


def _credentials(workspace: Owner) -> str:
    return f"{_user(workspace)} and {_logins(workspace)}"


def _user(workspace: Owner) -> str:
    return f"user or role {identity(workspace.namespace, workspace.name)} of the artifact store"


def _logins(workspace: Owner) -> str:
    logins = ", ".join(database_names(workspace.namespace, workspace.name).logins)
    return f"logins {logins} of the database server"

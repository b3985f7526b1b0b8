"""The end of a workspace: credentials are revoked, data stays."""

from typing import Final

import structlog

from mooring.contract import GROUP
from mooring_operator.api.conditions import READY, Finding, Verdict
from mooring_operator.kube import Manifest
from mooring_operator.plan.metadata import CLEANUP_FINALIZER, Owner
from mooring_operator.reconcile.loading import load_class, provisioned_class
from mooring_operator.reconcile.provision import revoke
from mooring_operator.reconcile.report import report
from mooring_operator.reconcile.transitions import announce
from mooring_operator.reconcile.world import Blocked, Outcome, World, set_metadata
from mooring_operator.stores.names import database_names, identity

FORCE_ANNOTATION: Final = f"{GROUP}/force-delete"
"""On a workspace: with "true" its deletion goes on without what cannot be revoked."""

_REMEDIES: Final = {
    "ClassNotFound": "Only the class says where they are: make it again as it was. ",
}

log = structlog.get_logger()


def delete_workspace(world: World, live: Manifest, owner: Owner) -> Outcome:
    """Revoke what lies outside the cluster, then let the API server delete the rest.

    What cannot be revoked blocks the deletion, and the Ready condition says why, unless the
    workspace is marked with `FORCE_ANNOTATION`: then the log and an Event say what is left behind.
    """
    finalizers = live["metadata"].get("finalizers", [])
    if CLEANUP_FINALIZER not in finalizers:
        return Outcome()
    try:
        class_ = load_class(world.kube, live).spec
        revoke(world, owner, class_.artifact_store, class_.backend_store)
    except Blocked as blocked:
        if live["metadata"].get("annotations", {}).get(FORCE_ANNOTATION) != "true":
            verdict = Verdict(READY, _finding(owner, blocked.finding))
            return report(world, live, [verdict], {"className": provisioned_class(live)})
        _tell_left(world, live, owner, blocked.finding)
    set_metadata(world, live, finalizers=[f for f in finalizers if f != CLEANUP_FINALIZER])
    return Outcome()


def _finding(workspace: Owner, why: Finding) -> Finding:
    return Finding(
        "DeletionBlocked",
        f"the workspace's credentials cannot be revoked: {why.message.rstrip('.')}. It is tried "
        f"again. {_REMEDIES.get(why.reason, '')}To delete the workspace all the same, and leave "
        "them valid: kubectl annotate "
        f"-n {workspace.namespace} mlw/{workspace.name} {FORCE_ANNOTATION}=true",
    )


def _tell_left(world: World, live: Manifest, workspace: Owner, why: Finding) -> None:
    logins = database_names(workspace.namespace, workspace.name).logins
    message = (
        f"deletion forced by {FORCE_ANNOTATION}: left behind, and perhaps still valid, are user or "
        f"role {identity(workspace.namespace, workspace.name)} of the artifact store and logins "
        f"{', '.join(logins)} of the database server, because: {why.message}"
    )
    named = f"{workspace.kind} {workspace.namespace}/{workspace.name}"
    log.warning("deletion forced", object=named, reason=why.reason, message=message)
    announce(world, live, Verdict(READY, Finding("DeletionForced", message)))

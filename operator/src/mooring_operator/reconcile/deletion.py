"""The end of a workspace: credentials are revoked, data stays."""

from mooring_operator.api.conditions import READY, Finding, Verdict
from mooring_operator.kube import Manifest
from mooring_operator.plan.metadata import CLEANUP_FINALIZER, Owner
from mooring_operator.reconcile.loading import load_class, provisioned_class
from mooring_operator.reconcile.provision import revoke
from mooring_operator.reconcile.report import report
from mooring_operator.reconcile.world import Blocked, Outcome, World, set_metadata


def delete_workspace(world: World, live: Manifest, owner: Owner) -> Outcome:
    """Revoke what lies outside the cluster, then let the API server delete the rest.

    What cannot be revoked blocks the deletion, and the Ready condition says why.
    """
    finalizers = live["metadata"].get("finalizers", [])
    if CLEANUP_FINALIZER not in finalizers:
        return Outcome()
    try:
        class_ = load_class(world.kube, live).spec
        revoke(world, owner, class_.artifact_store, class_.backend_store)
    except Blocked as blocked:
        why = f"the workspace's credentials cannot be revoked: {blocked.finding.message}"
        verdict = Verdict(READY, Finding("DeletionBlocked", why))
        return report(world, live, [verdict], {"className": provisioned_class(live)})
    set_metadata(world, live, finalizers=[f for f in finalizers if f != CLEANUP_FINALIZER])
    return Outcome()

"""What runs in the cluster for one workspace: migration, server, canary.

Each step raises Blocked, with a finding that tells how far it is, until it is done.
"""

from datetime import datetime, timedelta
from typing import Final

from mooring_operator.api.workspaceclass import WorkspaceClassSpec
from mooring_operator.kube import DEPLOYMENT, JOB, POD, Manifest
from mooring_operator.plan.connection import Connection
from mooring_operator.plan.jobs import canary_job, migration_job
from mooring_operator.plan.metadata import (
    CANARY,
    MIGRATION,
    SERVER,
    WORKSPACE_LABEL,
    Owner,
    digest,
    labels,
)
from mooring_operator.plan.server import server_objects, service_account
from mooring_operator.reconcile.world import Blocked, World, apply, ensure
from mooring_operator.status.workloads import job_finding, job_finished, server_finding

RETRY_FAILED_JOB_S: Final = 20


def migrate(world: World, workspace: Owner, spec: WorkspaceClassSpec, database_digest: str) -> None:
    """Bring the schema to the server's version."""
    ensure(world, service_account(workspace))
    job = migration_job(workspace, spec.server, database_digest)
    _run(world, workspace, job, MIGRATION, "the migration of the database")


def serve(
    world: World, connection: Connection, spec: WorkspaceClassSpec, database_digest: str
) -> Manifest:
    """Have the tracking server run as planned; its live Deployment once the newest one serves."""
    for desired in server_objects(connection, spec.server, database_digest):
        live = ensure(world, desired)
    # the Deployment is the last of them
    if server_finding(live, []):
        finding = server_finding(live, _pods(world, connection.workspace, SERVER))
        if finding:
            raise Blocked(finding)
    return live


def serves(world: World, workspace: Owner) -> bool:
    """Whether the workspace has had a tracking server that was available."""
    live = world.kube.get(DEPLOYMENT, workspace.namespace, workspace.child_name)
    return live is not None and live.get("status", {}).get("availableReplicas", 0) > 0


def verify(
    world: World, connection: Connection, spec: WorkspaceClassSpec, deployment: Manifest
) -> None:
    """Make the round trip once for each state of server, store and credentials."""
    server_digest = digest(deployment["spec"]["template"])
    job = canary_job(connection, spec.server, spec.guard, server_digest)
    _run(world, connection.workspace, job, CANARY, "the round trip")


def _run(world: World, workspace: Owner, desired: Manifest, component: str, what: str) -> None:
    """Run the Job if it never ran; its predecessors, and a failure that is old, make room."""
    selector = _selector(workspace, component)
    jobs = world.kube.search(JOB, workspace.namespace, selector)
    name = desired["metadata"]["name"]
    live = next((job for job in jobs if job["metadata"]["name"] == name), None)
    for job in jobs:
        if job is not live:
            world.kube.delete(JOB, workspace.namespace, job["metadata"]["name"])
    if live is None:
        # a Job's template cannot be changed: what stands is left alone
        live = apply(world, desired, None)
    finished = job_finished(live)
    if finished:
        return
    pods = [pod for pod in _pods(world, workspace, component) if _runs(pod, live)]
    finding = job_finding(live, pods, what)
    if finding is None:
        return
    if finished is False and _old(live, world.now()):
        world.kube.delete(JOB, workspace.namespace, name)
    raise Blocked(finding)


def _runs(pod: Manifest, job: Manifest) -> bool:
    """Whether the pod is of this Job and not of a deleted one of the same name."""
    owners = pod["metadata"].get("ownerReferences", [])
    return any(owner["uid"] == job["metadata"]["uid"] for owner in owners)


def _old(job: Manifest, now: str) -> bool:
    failed = next(c for c in job["status"]["conditions"] if c["type"] == "Failed")
    since = datetime.fromisoformat(failed["lastTransitionTime"])
    return datetime.fromisoformat(now) - since > timedelta(seconds=RETRY_FAILED_JOB_S)


def _pods(world: World, workspace: Owner, component: str) -> list[Manifest]:
    return world.kube.search(POD, workspace.namespace, _selector(workspace, component))


def _selector(workspace: Owner, component: str) -> str:
    wanted = labels(workspace, component)
    keys = (WORKSPACE_LABEL, "app.kubernetes.io/component", "app.kubernetes.io/managed-by")
    return ",".join(f"{key}={wanted[key]}" for key in keys)

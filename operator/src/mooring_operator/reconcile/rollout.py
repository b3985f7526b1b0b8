"""The Jobs of one workspace: migration and canary.

Each step raises Blocked, with a finding that tells how far it is, until it is done.
"""

from datetime import datetime, timedelta
from typing import Final

from mooring import contract
from mooring_operator.api.backendstore import ExistingDatabase, SqliteStore
from mooring_operator.api.conditions import Finding
from mooring_operator.api.external import ExternalDatabase
from mooring_operator.api.workspaceclass import WorkspaceClassSpec
from mooring_operator.kube import JOB, Manifest
from mooring_operator.plan.connection import Connection
from mooring_operator.plan.database import DatabaseClient
from mooring_operator.plan.jobs import canary_job, migration_job
from mooring_operator.plan.metadata import CANARY, MIGRATION, Owner, digest
from mooring_operator.plan.server import service_account
from mooring_operator.reconcile.upgrade import copy_database, newer_schema
from mooring_operator.reconcile.workloads import pods_of, selector_of
from mooring_operator.reconcile.world import Blocked, World, apply, ensure
from mooring_operator.status.pods import exit_code
from mooring_operator.status.workloads import job_finding, job_finished

RETRY_FAILED_JOB_S: Final = 20


class JobBlocked(Blocked):
    """A Job is not done; `exit_code` is that of its container, once that has failed."""

    def __init__(self, finding: Finding, exit_code: int | None) -> None:
        super().__init__(finding)
        self.exit_code = exit_code


def migrate(
    world: World,
    workspace: Owner,
    spec: WorkspaceClassSpec,
    database: DatabaseClient,
    *,
    auth: bool = False,
) -> None:
    """Bring the schema to the server's version; one that holds data only after a copy.

    With `auth` the tables of the users too.
    """
    ensure(world, service_account(workspace, spec.server))
    server = spec.backend_store.chosen
    if isinstance(server, SqliteStore | ExternalDatabase):
        # only the server's own pod can open it, and brings it up to date before it serves
        return
    jobs = _jobs(world, workspace, MIGRATION)
    upgrade = migration_job(workspace, spec.server, database, copy="", auth=auth)
    if _named(jobs, upgrade) is not None:
        _run(world, workspace, upgrade, jobs, "the upgrade of the schema")
        return
    job = migration_job(workspace, spec.server, database, auth=auth)
    try:
        _run(world, workspace, job, jobs, "the migration of the database")
    except JobBlocked as blocked:
        if isinstance(server, ExistingDatabase):
            raise Blocked(_own_schema(blocked, spec)) from None
        if blocked.exit_code == contract.SCHEMA_NEWER:
            said = blocked.finding.message
            raise Blocked(newer_schema(world, workspace, server, said)) from None
        if blocked.exit_code != contract.SCHEMA_OLDER:
            raise
        copy = copy_database(world, workspace, server)
        upgrade = migration_job(workspace, spec.server, database, copy, auth=auth)
        _run(world, workspace, upgrade, jobs, "the upgrade of the schema")


def _own_schema(blocked: JobBlocked, spec: WorkspaceClassSpec) -> Finding:
    """What to tell of a database of the team's own, which nobody else copies and upgrades."""
    found = blocked.finding
    if blocked.exit_code != contract.SCHEMA_OLDER:
        return found
    return Finding(
        "SchemaOlder",
        f"{found.message} The database is the team's own: dump it, then run `mlflow db upgrade` "
        f"on it with the image {spec.server.image}.",
    )


def verify(
    world: World, connection: Connection, spec: WorkspaceClassSpec, deployment: Manifest | None
) -> None:
    """Make the round trip once for each state of server, store and credentials.

    `deployment` is None where somebody else runs the server.
    """
    if deployment is None:
        ensure(world, service_account(connection.workspace, spec.server))
    server_digest = digest(deployment["spec"]["template"] if deployment else spec.server.image)
    job = canary_job(connection, spec.server, spec.guard, server_digest)
    jobs = _jobs(world, connection.workspace, CANARY)
    _run(world, connection.workspace, job, jobs, "the round trip")


def _jobs(world: World, workspace: Owner, component: str) -> list[Manifest]:
    return world.kube.known(JOB, workspace.namespace, selector_of(workspace, component))


def _named(jobs: list[Manifest], wanted: Manifest) -> Manifest | None:
    name = wanted["metadata"]["name"]
    return next((job for job in jobs if job["metadata"]["name"] == name), None)


def _run(
    world: World, workspace: Owner, desired: Manifest, jobs: list[Manifest], what: str
) -> None:
    """Run the Job if it never ran; the other `jobs`, and a failure that is old, make room."""
    name = desired["metadata"]["name"]
    live, pods = _named(jobs, desired), list[Manifest]()
    for job in jobs:
        if job is not live:
            world.kube.delete(JOB, workspace.namespace, job["metadata"]["name"])
    if live is None:
        # a Job's template cannot be changed: what stands is left alone
        live = apply(world, desired, None)
    elif not job_finished(live):
        component = desired["metadata"]["labels"]["app.kubernetes.io/component"]
        pods = [pod for pod in pods_of(world, workspace, component) if _runs(pod, live)]
    finished = job_finished(live)
    if finished:
        return
    finding = job_finding(live, pods, what)
    if finding is None:
        return
    if finished is False and _old(live, world.now()):
        world.kube.delete(JOB, workspace.namespace, name)
    raise JobBlocked(finding, exit_code(pods))


def _runs(pod: Manifest, job: Manifest) -> bool:
    """Whether the pod is of this Job and not of a deleted one of the same name."""
    owners = pod["metadata"].get("ownerReferences", [])
    return any(owner["uid"] == job["metadata"]["uid"] for owner in owners)


def _old(job: Manifest, now: str) -> bool:
    failed = next(c for c in job["status"]["conditions"] if c["type"] == "Failed")
    since = datetime.fromisoformat(failed["lastTransitionTime"])
    return datetime.fromisoformat(now) - since > timedelta(seconds=RETRY_FAILED_JOB_S)

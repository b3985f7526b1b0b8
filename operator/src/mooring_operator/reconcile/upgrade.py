"""An upgrade of the schema, and the way back: no server, a copy of the database, then the change.

What has happened is read from the cluster and from the database server: which pods run, which
copies there are, which schema the database has.
"""

from typing import Final

from mooring.contract import GROUP
from mooring_operator.api.backendstore import BackendStore, PostgresqlStore, SqliteStore
from mooring_operator.api.conditions import Finding
from mooring_operator.kube import JOB, Manifest
from mooring_operator.plan.metadata import MIGRATION, Owner
from mooring_operator.reconcile.database import database_grant
from mooring_operator.reconcile.outside import database_copies
from mooring_operator.reconcile.workloads import selector_of, server_is_gone
from mooring_operator.reconcile.world import Blocked, World, ask, set_metadata
from mooring_operator.stores.protocol import DatabaseCopies

UPGRADING: Final = "Upgrading"
"""Reason while no server may run, because the database is copied or changed places."""
RESTORE_ANNOTATION: Final = f"{GROUP}/restore-database"
LATEST: Final = "latest"


def copy_database(world: World, workspace: Owner, store: PostgresqlStore) -> str:
    """Have a copy of the database as it is, with no server running; the copy's name.

    Raises Blocked until that is done.
    """
    _stop(world, workspace, "before its schema is upgraded")
    grant = database_grant(world.kube, workspace)
    copies = database_copies(world.kube, store, grant.database)
    return ask(lambda: copies.make(grant.migration, store.copies), passing=UPGRADING)


def newer_schema(world: World, workspace: Owner, store: PostgresqlStore, said: str) -> Finding:
    """What to tell of a schema that the wanted MLflow does not know, and the way back."""
    copies = database_copies(world.kube, store, database_grant(world.kube, workspace).database)
    there = ", ".join(ask(copies.names, passing=UPGRADING)) or "none"
    return Finding(
        "SchemaNewer",
        f"{said} Copies of the database from before an upgrade: {there}. To go back to one, and "
        "lose what was logged since: "
        f"kubectl annotate -n {workspace.namespace} mlw/{workspace.name} {RESTORE_ANNOTATION}=COPY",
    )


def restore_database(world: World, live: Manifest, workspace: Owner, store: BackendStore) -> None:
    """Put the copy in place that the workspace's annotation names, and take the annotation off.

    Raises Blocked until that is done, or with what is wrong about the name.
    """
    wanted = live["metadata"].get("annotations", {}).get(RESTORE_ANNOTATION)
    if wanted is None:
        return
    server = store.chosen
    if not isinstance(server, PostgresqlStore):
        kept = (
            "the database is a file on the workspace's volume, and its copies lie beside it as "
            "mlflow.db.SCHEMA: put one in its place by hand"
            if isinstance(server, SqliteStore)
            else "the database was not made by the operator, and is never copied by it: restore it "
            "by hand"
        )
        message = f"annotation {RESTORE_ANNOTATION}: {kept}, and remove the annotation"
        raise Blocked(Finding("NoCopies", message))
    grant = database_grant(world.kube, workspace)
    copies = database_copies(world.kube, server, grant.database)
    if wanted == LATEST:
        wanted = _name_latest(world, live, copies)
    _stop(world, workspace, f"while its copy {wanted} takes its place")
    # what these have proven is of the schema that goes
    for job in world.kube.search(JOB, workspace.namespace, selector_of(workspace, MIGRATION)):
        world.kube.delete(JOB, workspace.namespace, job["metadata"]["name"])
    ask(lambda: copies.restore(wanted, grant.migration, grant.owner), passing=UPGRADING)
    set_metadata(world, live, annotations={RESTORE_ANNOTATION: None})


def _name_latest(world: World, live: Manifest, copies: DatabaseCopies) -> str:
    """Write the name of the newest copy into the annotation: a second look must mean the same."""
    names = ask(copies.names, passing=UPGRADING)
    if not names:
        message = f"annotation {RESTORE_ANNOTATION}: there is no copy; remove the annotation"
        raise Blocked(Finding("MissingDatabase", message))
    set_metadata(world, live, annotations={RESTORE_ANNOTATION: names[0]})
    raise Blocked(Finding(UPGRADING, f"the copy {names[0]} takes its place", waiting=True))


def _stop(world: World, workspace: Owner, why: str) -> None:
    if not server_is_gone(world, workspace):
        message = f"the tracking server is stopped, so that the database is left alone {why}"
        raise Blocked(Finding(UPGRADING, message, waiting=True))

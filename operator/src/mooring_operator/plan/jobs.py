"""The two Jobs of a workspace: the migration of its database, and the canary.

A Job's name ends in the digest of what it proves. The finished Job is the record of the proof:
while it stands, nothing runs again; when something changes, the name changes with it.
"""

from typing import Any, Final

from mooring.contract import DATABASE_COPY, GENERATION
from mooring_operator.api.image import ContainerImage
from mooring_operator.api.server import ServerDefaults
from mooring_operator.plan.auth import auth_variable
from mooring_operator.plan.binding import pod_fragment
from mooring_operator.plan.connection import Connection, pod_environment
from mooring_operator.plan.database import (
    MIGRATION_URI,
    DatabaseClient,
    backend_store_uri,
    database_mounts,
    database_volumes,
)
from mooring_operator.plan.metadata import (
    CANARY,
    MIGRATION,
    Manifest,
    Owner,
    child,
    digest,
    labels,
)
from mooring_operator.plan.pods import (
    placement,
    restricted_container,
    restricted_pod,
    temp_mount,
    temp_volume,
)

MIGRATION_DEADLINE_S: Final = 1800
CANARY_DEADLINE_S: Final = 180


def migration_job(
    workspace: Owner,
    server: ServerDefaults,
    database: DatabaseClient,
    copy: str | None = None,
    *,
    auth: bool = False,
) -> Manifest:
    """The Job that brings the schema of `database` to the version of `server`.

    Without a `copy` it makes a new schema, or finds the one there is current. A copy's name lets
    it upgrade a schema that holds data. With `auth` the tables of the users are part of it.
    """
    container = {
        **restricted_container(MIGRATION, server),
        "command": ["mooring", "migrate"],
        "env": [
            backend_store_uri(workspace, MIGRATION_URI),
            *([{"name": DATABASE_COPY, "value": copy}] if copy is not None else []),
            *([auth_variable()] if auth else []),
        ],
        "volumeMounts": [temp_mount(), *database_mounts(database)],
    }
    volumes = [temp_volume(), *database_volumes(workspace, database)]
    pod = {**placement(server), "containers": [container], "volumes": volumes}
    kind = [*(["upgrade"] if copy is not None else []), *(["auth"] if auth else [])]
    proves = digest([server.image, database.digest, *kind])
    return _job(workspace, MIGRATION, proves, pod, MIGRATION_DEADLINE_S)


def canary_job(
    connection: Connection, server: ServerDefaults, guard: ContainerImage, server_digest: str
) -> Manifest:
    """The Job that makes the round trip with exactly what the pods of the own binding get."""
    workspace = connection.workspace
    fragment = pod_fragment(workspace, connection, guard)
    container = {
        **restricted_container(CANARY, server),
        "command": ["mooring", "canary"],
        "envFrom": fragment["envFrom"],
        "volumeMounts": [temp_mount(), *fragment["volumeMounts"]],
    }
    pod = {
        **placement(server),
        "containers": [container],
        "initContainers": fragment["initContainers"],
        "volumes": [temp_volume(), *fragment["volumes"]],
    }
    given = pod_environment(connection, workspace.name)[GENERATION]
    proves = digest([given, fragment, server_digest])
    return _job(workspace, CANARY, proves, pod, CANARY_DEADLINE_S)


def _job(
    workspace: Owner, component: str, proves: str, pod: dict[str, Any], deadline: int
) -> Manifest:
    name = f"{workspace.child_name_for(component)}-{proves}"
    return child(workspace, "batch/v1", "Job", name, component) | {
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": deadline,
            "template": {
                "metadata": {"labels": labels(workspace, component)},
                "spec": {
                    **restricted_pod(),
                    **pod,
                    "restartPolicy": "Never",
                    "serviceAccountName": workspace.child_name,
                },
            },
        }
    }

"""Garbage collection: a CronJob that removes for good what users have deleted.

MLflow only marks a deleted run; its rows and artifacts stay until `mlflow gc`
(https://mlflow.org/docs/latest/cli.html#mlflow-gc).
"""

from typing import Final

from mooring import contract
from mooring_operator.api.server import ServerDefaults
from mooring_operator.api.workspace import GarbageCollection
from mooring_operator.plan.auth import admin_variables
from mooring_operator.plan.connection import Connection
from mooring_operator.plan.database import (
    RUNTIME_URI,
    DatabaseClient,
    backend_store_uri,
    database_mounts,
    database_volumes,
)
from mooring_operator.plan.metadata import Manifest, child, labels
from mooring_operator.plan.pods import (
    USER,
    placement,
    restricted_container,
    restricted_pod,
    store_mounts,
    temp_mount,
    temp_volume,
)
from mooring_operator.plan.server import server_store_volumes, store_variables
from mooring_operator.plan.volume import data_mounts, data_volumes

GARBAGE_COLLECTION: Final = "garbage-collection"
DEADLINE_S: Final = 6 * 3600
LATE_S: Final = 3600
"""A run that was missed, while the cluster was down, is made up for within this time."""


def garbage_collection(
    connection: Connection,
    server: ServerDefaults,
    wanted: GarbageCollection,
    database: DatabaseClient,
) -> Manifest:
    """The CronJob; it reaches database and store as the tracking server does."""
    workspace, claim = connection.workspace, connection.store.claim
    container = {
        **restricted_container(GARBAGE_COLLECTION, server),
        "command": [
            *("mlflow", "gc", "--older-than", wanted.older_than),
            # gc asks the server where artifacts lie
            *("--tracking-uri", connection.tracking_uri),
            # else it makes a folder for them in the working directory, which is read-only
            *("--artifacts-destination", connection.store.root),
        ],
        "env": [
            *store_variables(connection),
            # without --backend-store-uri, where a password would be seen, gc opens this database
            backend_store_uri(workspace, RUNTIME_URI) | {"name": contract.TRACKING_URI},
            *(admin_variables(workspace) if connection.asks_for_login else []),
        ],
        "volumeMounts": [
            temp_mount(),
            *data_mounts(claim),
            *store_mounts(connection.store),
            *database_mounts(database),
        ],
    }
    pod = {
        **restricted_pod(group=USER if claim else None),
        **placement(server),
        "containers": [container],
        "restartPolicy": "Never",
        "serviceAccountName": workspace.child_name,
        "volumes": [
            temp_volume(),
            *data_volumes(claim),
            *server_store_volumes(connection),
            *database_volumes(workspace, database),
        ],
    }
    job = {
        "backoffLimit": 0,
        "activeDeadlineSeconds": DEADLINE_S,
        "template": {"metadata": {"labels": labels(workspace, GARBAGE_COLLECTION)}, "spec": pod},
    }
    head = child(workspace, "batch/v1", "CronJob", workspace.child_name, GARBAGE_COLLECTION)
    return head | {
        "spec": {
            "schedule": wanted.schedule,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": LATE_S,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 1,
            "jobTemplate": {"spec": job},
        }
    }

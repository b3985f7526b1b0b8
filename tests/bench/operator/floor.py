"""The floor: the same objects, and the same store and database calls, by a plain loop.

A program of its own, started as the operator is, with as many threads as the operator has workers
and with the operator's own HTTP client. It reads a `Plan` from a file, as JSON.
"""

import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from mooring_operator.apiserver import ApiServer
from mooring_operator.kube import BINDING, Manifest
from mooring_operator.stores.names import database_names, identity
from mooring_operator.stores.postgresql import PostgresqlServer
from mooring_operator.stores.protocol import (
    DatabaseConnection,
    DatabaseGrant,
    Login,
    S3Connection,
    StoreGrant,
)
from mooring_operator.stores.s3_iam import S3IamStore
from tests.bench.operator.template import Write

WORKERS: Final = 8
CONNECTION_LIMIT: Final = 12


@dataclass(frozen=True, slots=True)
class Outside:
    """The store and the database server of the class."""

    store: S3Connection
    database: DatabaseConnection


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do: `teams` are pairs of a namespace and the uid of the workspace in it."""

    workspace: str
    teams: list[tuple[str, str]]
    writes: list[Write]
    outside: Outside | None


def main() -> None:
    """Do it, and end."""
    plan = TypeAdapter(Plan).validate_json(Path(sys.argv[1]).read_bytes())
    kube = ApiServer(WORKERS)
    with ThreadPoolExecutor(WORKERS) as threads:
        for done in [threads.submit(_provide, kube, plan, *team) for team in plan.teams]:
            done.result()


def _provide(kube: ApiServer, plan: Plan, namespace: str, uid: str) -> None:
    if plan.outside:
        _grant(plan.outside, namespace, plan.workspace)
    binding = ""
    for write in plan.writes:
        made = _write(kube, write, write.manifest(namespace, uid, binding))
        if made["kind"] == BINDING.kind:
            binding = made["metadata"]["uid"]


def _write(kube: ApiServer, write: Write, manifest: Manifest) -> Manifest:
    if write.how == "metadata":
        return kube.merge(manifest, {"metadata": manifest["metadata"]})
    return kube.apply(manifest, status=write.how == "status")


def _grant(outside: Outside, namespace: str, workspace: str) -> None:
    """Call the store and the database server as the operator has to, once each."""
    name = identity(namespace, workspace)
    S3IamStore(outside.store).ensure(StoreGrant(name, prefix=f"{namespace}/{workspace}"))
    names = database_names(namespace, workspace)
    PostgresqlServer(outside.database).ensure(
        DatabaseGrant(
            database=names.database,
            owner=names.owner,
            access=names.access,
            migration=Login(names.migration, secrets.token_urlsafe(24)),
            runtime=Login(names.runtime, secrets.token_urlsafe(24)),
            connection_limit=CONNECTION_LIMIT,
        )
    )


if __name__ == "__main__":
    main()

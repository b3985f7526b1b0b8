"""The operator whose store and database server answer at once, in its own process.

Only for the rows of the Kubernetes side alone: everything else is the operator as it is. Import it
before `mooring_operator.main`.
"""

from dataclasses import dataclass

from mooring.contract import AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
from mooring_operator.api import artifactstore, backendstore
from mooring_operator.kube import Kube
from mooring_operator.plan.metadata import Owner
from mooring_operator.reconcile import outside
from mooring_operator.stores.protocol import (
    ArtifactStore,
    Audit,
    DatabaseGrant,
    DatabaseServer,
    Login,
    StoreAccess,
    StoreGrant,
)

KEY = {AWS_ACCESS_KEY_ID: "key-of-nobody", AWS_SECRET_ACCESS_KEY: "opens nothing"}


@dataclass(frozen=True, slots=True)
class AnsweringStore:
    """A store that has everything already, see `stores.protocol.ArtifactStore`."""

    def check(self) -> None:
        """Nothing to prove."""

    def ensure(self, grant: StoreGrant) -> StoreAccess:
        """One key for all."""
        return StoreAccess(KEY if grant.held_key_id is None else None)

    def revoke_leftover(self, identity: str) -> None:
        """Nothing to revoke."""

    def revoke(self, identity: str) -> None:
        """Nothing to revoke."""


@dataclass(frozen=True, slots=True)
class AnsweringServer:
    """A database server that has everything already, see `stores.protocol.DatabaseServer`."""

    def check(self) -> None:
        """Nothing to prove."""

    def connections(self) -> int | None:
        """Nobody counts."""
        return None

    def ensure(self, grant: DatabaseGrant) -> Audit:  # noqa: ARG002 (of the protocol)
        """Nothing to make."""
        return Audit()

    def probe(self, database: str, login: Login, root: str | None = None) -> Audit:  # noqa: ARG002
        """Nothing to prove."""
        return Audit()

    def revoke(self, roles: tuple[str, ...], owner: str) -> None:
        """Nothing to revoke."""


def artifact_store(
    kube: Kube, store: artifactstore.ArtifactStore, workspace: Owner | None = None
) -> ArtifactStore:
    """See `outside.artifact_store`."""
    return AnsweringStore()


def database_server(kube: Kube, store: backendstore.BackendStore) -> DatabaseServer:
    """See `outside.database_server`."""
    return AnsweringServer()


outside.artifact_store = artifact_store
outside.database_server = database_server

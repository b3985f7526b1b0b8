"""What nobody outside has to be told of: a workspace's own volume, and what a team has already."""

from collections.abc import Callable
from dataclasses import dataclass

from mooring_operator.stores.protocol import Audit, DatabaseGrant, Login, StoreAccess, StoreGrant


@dataclass(frozen=True, slots=True)
class UnmanagedArtifacts:
    """`read` says what clients of it need; see `protocol.ArtifactStore`."""

    read: Callable[[], StoreAccess]

    def check(self) -> None:
        """There is no connection to prove."""

    def ensure(self, grant: StoreGrant) -> StoreAccess:  # noqa: ARG002 (of the protocol)
        """Only say what there is."""
        return self.read()

    def revoke_leftover(self, identity: str) -> None:
        """There is no credential that was made here."""

    def revoke(self, identity: str) -> None:
        """There is no credential that was made here."""


class UnmanagedDatabase:
    """A database that somebody else makes; see `protocol.DatabaseServer`."""

    def check(self) -> None:
        """There is no connection to prove."""

    def connections(self) -> int | None:
        """Each workspace has its own."""
        return None

    def ensure(self, grant: DatabaseGrant) -> Audit:  # noqa: ARG002 (of the protocol)
        """It is there, or the server makes it."""
        return Audit()

    def probe(self, database: str, login: Login, root: str | None = None) -> Audit:  # noqa: ARG002
        """There is no login that was made here."""
        return Audit()

    def revoke(self, roles: tuple[str, ...], owner: str) -> None:
        """There is no login that was made here."""

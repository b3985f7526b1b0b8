"""What lies on a workspace's own volume: nothing outside the cluster has to know of it."""

from mooring_operator.stores.protocol import DatabaseGrant, Login, StoreAccess, StoreGrant


class VolumeArtifacts:
    """A folder of the tracking server; see `protocol.ArtifactStore`."""

    def check(self) -> None:
        """There is no connection to prove."""

    def ensure(self, grant: StoreGrant) -> StoreAccess:  # noqa: ARG002 (of the protocol)
        """The server needs nothing but the volume."""
        return StoreAccess({})

    def revoke_leftover(self, identity: str) -> None:
        """Nothing to revoke."""

    def revoke(self, identity: str) -> None:
        """There is no credential."""


class VolumeDatabase:
    """A SQLite file of the tracking server; see `protocol.DatabaseServer`."""

    def check(self) -> None:
        """There is no connection to prove."""

    def ensure(self, grant: DatabaseGrant) -> None:
        """The server makes the file."""

    def probe(self, database: str, login: Login) -> None:
        """Whoever has the volume gets in."""

    def revoke(self, roles: tuple[str, ...]) -> None:
        """There is no login."""

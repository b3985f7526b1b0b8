"""A bucket of Google Cloud Storage in which every workspace has a prefix.

All workspaces of a class use the key of one service account. What keeps one workspace's pods from
another's prefix on S3, a policy for each of them, would be IAM conditions here: nothing in this
project could prove those, so nothing claims them (docs/security.md).
"""

from dataclasses import dataclass

from mooring.contract import GOOGLE_KEY_FILE
from mooring_operator.stores.gcs_api import first_objects
from mooring_operator.stores.protocol import GcsConnection, StoreAccess, StoreGrant


@dataclass(frozen=True, slots=True)
class GcsBucketStore:
    """The artifact store behind `connection`; see `protocol.ArtifactStore`."""

    connection: GcsConnection

    def check(self) -> None:
        """Prove that the key is one, and that it may list the bucket."""
        first_objects(self.connection, "mooring")

    def ensure(self, grant: StoreGrant) -> StoreAccess:
        """Prove the key below the prefix of `grant`, and hand it out as a file."""
        first_objects(self.connection, grant.prefix)
        return StoreAccess(env={}, files={GOOGLE_KEY_FILE: self.connection.key_file})

    def revoke_leftover(self, identity: str) -> None:
        """Do nothing: there is one kind of credential."""

    def revoke(self, identity: str) -> None:
        """Do nothing: no credential was made for `identity` alone."""

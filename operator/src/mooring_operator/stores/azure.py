"""An Azure storage account in which every workspace has a container of its own.

A shared access signature reaches a container or one blob, nothing between: without a hierarchical
namespace there is no SAS for a folder. So the container is the border, not a prefix.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from mooring.contract import AZURE_CONNECTION_STRING
from mooring_operator.stores.azure_api import call, key_of, not_the_api
from mooring_operator.stores.azure_sas import (
    MAX_POLICIES,
    Policy,
    container_sas,
    policies_body,
    policies_of,
)
from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.protocol import AzureConnection, StoreAccess, StoreGrant

_CONTAINER: Final = {"restype": "container"}
_ACL: Final = {**_CONTAINER, "comp": "acl"}
_MISSING: Final = "ContainerNotFound"
_EXISTS: Final = "ContainerAlreadyExists"
_PUBLIC: Final = "x-ms-blob-public-access"


@dataclass(frozen=True, slots=True)
class _Acl:
    """What stands on a container; `public` when people without a credential may read it."""

    policies: list[Policy]
    public: bool


@dataclass(frozen=True, slots=True)
class AzureBlobStore:
    """The artifact store behind `connection`; see `protocol.ArtifactStore`.

    The identity of a grant is the name of its container; its credential is a SAS, whose id is
    that of the stored access policy.
    """

    connection: AzureConnection

    def check(self) -> None:
        """Prove the account's key."""
        answer = call(self.connection, "GET", "", {"comp": "list", "maxresults": "1"})
        if answer is None or b"<EnumerationResults" not in answer.body:
            raise not_the_api(self.connection)

    def ensure(self, grant: StoreGrant) -> StoreAccess:
        """Make the container of `grant` and its SAS; see `protocol.ArtifactStore`."""
        key, container = key_of(self.connection), grant.identity
        found = self._policies(container)
        if found is None:
            call(self.connection, "PUT", container, _CONTAINER, absent=_EXISTS)
            found = _Acl([], public=False)
        now = datetime.now(UTC)
        wanted = {grant.held_key_id, *grant.retiring_key_ids}
        kept = [policy.kept_up(now) for policy in found.policies if policy.id in wanted]
        made = None
        if not any(p.id == grant.held_key_id and p.signed_with(key, container) for p in kept):
            made = Policy.new(key, container, now)
            kept.append(made)
        if len(kept) > MAX_POLICIES:
            raise StoreError(
                Reason.QUOTA_EXCEEDED,
                f"container {container} of account {self.connection.account}: Azure allows "
                f"{MAX_POLICIES} stored access policies and {len(kept)} are needed: wait until the "
                "grace of an earlier rotation is over.",
                transient=True,
            )
        if kept != found.policies or found.public:
            self._write(container, kept)
        if made is None:
            return StoreAccess(None)
        # signed with another key of the account, which has two, so that one can be changed
        held_works = any(policy.id == grant.held_key_id for policy in kept)
        credential = {AZURE_CONNECTION_STRING: self._credential(key, container, made)}
        return StoreAccess(credential, held_works=held_works)

    def revoke_leftover(self, identity: str) -> None:
        """Do nothing: there is one kind of credential."""

    def revoke(self, identity: str) -> None:
        """Refuse every SAS of the container called `identity`; its blobs stay."""
        found = self._policies(identity)
        if found and found.policies:
            self._write(identity, ())

    def _policies(self, container: str) -> _Acl | None:
        """What stands on the container; None when it is missing."""
        answer = call(self.connection, "GET", container, _ACL, absent=_MISSING)
        if answer is None:
            return None
        try:
            return _Acl(policies_of(answer.body), _PUBLIC in answer.headers)
        except ValueError:
            raise not_the_api(self.connection) from None

    def _write(self, container: str, policies: Iterable[Policy]) -> None:
        """Leave exactly `policies`, and no right for people without a credential."""
        call(self.connection, "PUT", container, _ACL, body=policies_body(policies))

    def _credential(self, key: bytes, container: str, policy: Policy) -> str:
        """The connection string that MLflow's client reads; it wins over the host in a URI."""
        connection = self.connection
        https_only = connection.endpoint.startswith("https:")
        sas = container_sas(connection.account, key, container, policy.id, https_only=https_only)
        return f"BlobEndpoint={connection.endpoint};SharedAccessSignature={sas}"

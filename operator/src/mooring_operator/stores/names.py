"""Names of the outside things that belong to one workspace. Pure."""

import hashlib
from dataclasses import dataclass
from typing import Final

MAX_IDENTITY: Final = 64
"""IAM: at most 64 characters for the name of a user or a role."""

MAX_IDENTIFIER: Final = 63
"""PostgreSQL: NAMEDATALEN - 1 bytes; a longer name would be cut without an error."""

HASH_LENGTH: Final = 16
ROLE_SUFFIXES: Final = ("owner", "access", "migration", "server", "server2")


def identity(namespace: str, name: str) -> str:
    """Name of the IAM role or user of workspace `name` in `namespace`, at most 64 characters."""
    return _unique(namespace, name, MAX_IDENTITY)


def subject(namespace: str, account: str = "*") -> str:
    """Pattern of the token subjects of a service account of `namespace`, of all unless named."""
    return f"system:serviceaccount:{namespace}:{account}"


@dataclass(frozen=True, slots=True)
class DatabaseNames:
    """The database of a workspace and its roles; see `protocol.DatabaseGrant`.

    The server logs in as `runtime` or as `runtime_spare`: a rotation changes from one to the
    other, so that both work while servers are replaced.
    """

    database: str
    owner: str
    access: str
    migration: str
    runtime: str
    runtime_spare: str

    @property
    def logins(self) -> tuple[str, ...]:
        """Every role that can ever log in."""
        return self.migration, self.runtime, self.runtime_spare


def database_names(namespace: str, name: str) -> DatabaseNames:
    """Names on the database server for workspace `name` in `namespace`, each at most 63 bytes."""
    longest = max(len(suffix) for suffix in ROLE_SUFFIXES) + 1
    base = _unique(namespace, name, MAX_IDENTIFIER - longest)
    return DatabaseNames(base, *(f"{base}_{suffix}" for suffix in ROLE_SUFFIXES))


def copy_name(database: str, revision: str) -> str:
    """Name of the copy of `database` that holds the schema `revision`, 12 hexadecimal digits."""
    return f"{database}_{revision[:8]}"


def undone_name(database: str) -> str:
    """Name under which `database` is put aside when a copy takes its place."""
    return f"{database}_undone"


def _unique(namespace: str, name: str, limit: int) -> str:
    """Join the two so that no other pair gives the same, cut to `limit` characters.

    With '-' between them, a-b/c and a/b-c would share one identity, so one team could name its
    workspace into another's. Kubernetes names never hold '_'; a cut name has two, a full one one.
    """
    full = f"mooring-{namespace}_{name}"
    if len(full) <= limit:
        return full
    digest = hashlib.sha256(f"{namespace}/{name}".encode()).hexdigest()[:HASH_LENGTH]
    return f"{full[: limit - HASH_LENGTH - 2]}__{digest}"

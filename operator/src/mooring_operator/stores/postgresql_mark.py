"""Whose a workspace's database is, where the operators of several clusters share a server.

A database is called after its workspace, and another cluster may have a workspace of that name. The
comment of the role that owns the database names the cluster: the role gets both in one transaction,
before there is a database, and stays as long as the data does. One without a mark was made by an
operator that did not mark yet, and becomes this cluster's.
"""

import re
from typing import Any, Final

import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal

from mooring.contract import GROUP
from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.protocol import DatabaseConnection

_MARK: Final = re.compile(rf"{re.escape(GROUP)}/cluster=(\S+)")
_COMMENT: Final = """
SELECT coalesce(shobj_description(oid, 'pg_authid'), '') AS comment
FROM pg_roles WHERE rolname = %s
"""


def require_ours(
    session: psycopg.Connection[dict[str, Any]], server: DatabaseConnection, owner: str
) -> None:
    """Raise StoreError where the role `owner` is of another cluster; one that is not there is not.

    `session` may be of anybody.
    """
    row = session.execute(_COMMENT, [owner]).fetchone()
    if row is not None:
        check(server, owner, row["comment"])


def check(server: DatabaseConnection, owner: str, comment: str) -> None:
    """Raise StoreError where the `comment` of the role `owner` names another cluster."""
    found = _MARK.search(comment)
    if found is None or found[1] == server.cluster:
        return
    raise StoreError(
        Reason.OTHER_CLUSTER,
        f"PostgreSQL at {server.host}:{server.port}: role {owner} and its database are those of a "
        f"workspace of the same name in another cluster (the comment of the role says {found[0]}; "
        f"the uid of namespace kube-system here is {server.cluster}) and are left alone: give the "
        "workspace or its namespace another name, or its class another server "
        f"({server.named('host')}); where that cluster is no more, take them over: "
        f'COMMENT ON ROLE "{owner}" IS NULL.',
        transient=False,
    )


def mark_statements(server: DatabaseConnection, owner: str, comment: str) -> list[Composed]:
    """What marks the role `owner`, whose comment is `comment`; nothing where it is marked."""
    if server.cluster is None or _MARK.search(comment):
        return []
    wanted = f"{comment} {GROUP}/cluster={server.cluster}".strip()
    statement = SQL("COMMENT ON ROLE {} IS {}")
    return [statement.format(Identifier(owner), Literal(wanted))]

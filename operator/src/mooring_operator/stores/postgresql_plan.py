"""Which statements bring a database server to what a grant wants. Pure.

Four roles per workspace: `owner` (no login) owns the database and all in it; `migration` logs in
and acts as `owner`; `access` (no login) has the privileges on rows; `runtime` logs in as a member
of `access` and owns nothing. So a login can be dropped or replaced at any time, nothing hangs
on it: a rotation makes a second `runtime` and drops the first one later.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, LiteralString

from psycopg.sql import SQL, Composed, Identifier, Literal

from mooring_operator.stores.protocol import DatabaseGrant

UNLIMITED: Final = -1

TABLE_PRIVILEGES: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")
SEQUENCE_PRIVILEGES: Final = ("SELECT", "USAGE")
DEFAULT_PRIVILEGES: Final = frozenset(
    {*(("r", name) for name in TABLE_PRIVILEGES), *(("S", name) for name in SEQUENCE_PRIVILEGES)}
)
"""Object type and privilege as in pg_default_acl: r is a table, S a sequence."""


@dataclass(frozen=True, slots=True)
class Role:
    """A role: what of it a grant decides, and what it is said to be."""

    login: bool
    connection_limit: int = UNLIMITED
    member_of: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    comment: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Privileges:
    """What holds inside a database, as `postgresql` reads it."""

    connect: bool
    """`access` may connect, and PUBLIC may not."""
    schema: bool
    """`access` may use schema public but not create in it, and PUBLIC may do neither."""
    defaults: frozenset[tuple[str, str]]
    """What `access` gets on each table and sequence that `owner` makes."""
    tables: bool
    """`access` has TABLE_PRIVILEGES on all tables and SEQUENCE_PRIVILEGES on all sequences."""

    @property
    def right(self) -> bool:
        """Whether nothing has to be granted or revoked."""
        granted = self.connect and self.schema and self.tables
        return granted and self.defaults == DEFAULT_PRIVILEGES


def wanted_roles(grant: DatabaseGrant) -> dict[str, Role]:
    """Return the roles of `grant` by name, in the order in which they have to be made."""
    return {
        grant.owner: Role(login=False),
        grant.access: Role(login=False),
        grant.migration.role: Role(
            login=True, member_of=(grant.owner,), settings=(f"role={grant.owner}",)
        ),
        grant.runtime.role: Role(
            login=True, member_of=(grant.access,), connection_limit=grant.connection_limit
        ),
    }


def role_statements(wanted: Mapping[str, Role], found: Mapping[str, Role]) -> list[Composed]:
    """Return what makes every role of `wanted` so; nothing for those that are. Passwords apart."""
    statements: list[Composed] = []
    for name, role in wanted.items():
        if name not in found:
            statements += _create(name, role)
        elif found[name] != role:
            statements += _alter(name, role, found[name])
    return statements


def _create(name: str, role: Role) -> list[Composed]:
    return [_sql("CREATE ROLE {}", name), *_alter(name, role, Role(login=False))]


def _alter(name: str, role: Role, found: Role) -> list[Composed]:
    statements = [
        SQL("ALTER ROLE {} {} CONNECTION LIMIT {}").format(
            Identifier(name),
            SQL("LOGIN") if role.login else SQL("NOLOGIN"),
            Literal(role.connection_limit),
        )
    ]
    leave, enter = set(found.member_of) - set(role.member_of), set(role.member_of)
    statements += [_sql("REVOKE {} FROM {}", group, name) for group in sorted(leave)]
    statements += [
        _sql("GRANT {} TO {}", group, name) for group in sorted(enter - set(found.member_of))
    ]
    if role.settings != found.settings:
        statements.append(_sql("ALTER ROLE {} RESET ALL", name))
        for setting in role.settings:
            key, _, value = setting.partition("=")
            statements.append(
                SQL("ALTER ROLE {} SET {} = {}").format(
                    Identifier(name), Identifier(key), Literal(value)
                )
            )
    return statements


def password_statement(role: str, verifier: str) -> Composed:
    """Return what gives `role` the password of a SCRAM `verifier`: no log sees the password."""
    return SQL("ALTER ROLE {} PASSWORD {}").format(Identifier(role), Literal(verifier))


def database_statement(grant: DatabaseGrant) -> Composed:
    """Return what makes the database.

    From template0, because template1 may have another encoding, or somebody connected to it,
    which makes CREATE DATABASE fail.
    """
    return _sql("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'",
                grant.database, grant.owner)  # fmt: skip


def privilege_statements(grant: DatabaseGrant) -> list[Composed]:
    """Return what `grant.owner` has to run in its database for `Privileges.right` to hold."""
    tables = SQL(", ").join(map(SQL, TABLE_PRIVILEGES))
    sequences = SQL(", ").join(map(SQL, SEQUENCE_PRIVILEGES))
    access, database = Identifier(grant.access), Identifier(grant.database)
    defaults = "ALTER DEFAULT PRIVILEGES IN SCHEMA public "
    return [
        SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database),
        SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, access),
        Composed([SQL("REVOKE ALL ON SCHEMA public FROM PUBLIC")]),
        SQL("REVOKE ALL ON SCHEMA public FROM {}").format(access),
        SQL("GRANT USAGE ON SCHEMA public TO {}").format(access),
        SQL(defaults + "REVOKE ALL ON TABLES FROM {}").format(access),
        SQL(defaults + "REVOKE ALL ON SEQUENCES FROM {}").format(access),
        SQL(defaults + "GRANT {} ON TABLES TO {}").format(tables, access),
        SQL(defaults + "GRANT {} ON SEQUENCES TO {}").format(sequences, access),
        SQL("GRANT {} ON ALL TABLES IN SCHEMA public TO {}").format(tables, access),
        SQL("GRANT {} ON ALL SEQUENCES IN SCHEMA public TO {}").format(sequences, access),
    ]


def joined(statements: Iterable[Composed]) -> Composed:
    """Return one string of `statements`, which the server runs as one transaction."""
    return SQL("; ").join(statements)


def each(text: LiteralString, names: Iterable[str]) -> Composed:
    """Return `text` once for each of `names`, which takes the place of its braces."""
    return joined(_sql(text, name) for name in names)


def _sql(text: LiteralString, *names: str) -> Composed:
    return SQL(text).format(*map(Identifier, names))

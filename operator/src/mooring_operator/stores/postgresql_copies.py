"""Copies of a workspace's database, made before its schema is upgraded, and the way back to one.

A copy is a database of the same server (`CREATE DATABASE … TEMPLATE …`), not a file of pg_dump:
docs/decisions/0005-an-upgrade-copies-the-database.md says why. Its name ends in the schema
revision that it holds, so it needs no record, and a second attempt finds it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, LiteralString

from psycopg.sql import SQL, Identifier

from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.names import copy_name, undone_name
from mooring_operator.stores.postgresql import MAINTENANCE_DATABASE, PostgresqlServer, Session
from mooring_operator.stores.postgresql_mark import require_ours
from mooring_operator.stores.protocol import Login

_COPIES: Final = """
SELECT datname FROM pg_database
WHERE starts_with(datname, %(base)s || '_')
  AND substr(datname, length(%(base)s) + 2) ~ '^[0-9a-f]{8}$'
ORDER BY oid DESC
"""
_EXISTS: Final = "SELECT FROM pg_database WHERE datname = %s"
_REVISION: Final = "SELECT version_num FROM alembic_version"
_LONG: Final = "SET statement_timeout = '1h'"
"""A copy takes as long as its bytes; it runs in a session of its own that nobody waits for."""


@dataclass(frozen=True, slots=True)
class PostgresqlCopies:
    """The copies of `database` on `server`; see `protocol.DatabaseCopies`.

    Nobody but the administrator gets into one.
    """

    server: PostgresqlServer
    database: str

    def names(self) -> list[str]:
        """The copies there are, the newest first."""
        with self._administrator() as session:
            return self._names(session)

    def make(self, migration: Login, keep: int) -> str:
        """Copy the database unless its schema revision has a copy; the copy's name.

        `migration` reads the revision. The newest `keep` copies stay, older ones are dropped.
        """
        copy = copy_name(self.database, self._revision(migration))
        with self._administrator() as session:
            if copy not in self._names(session):
                _run(session, "CREATE DATABASE {} TEMPLATE {}", copy, self.database)
                _run(session, "REVOKE ALL ON DATABASE {} FROM PUBLIC", copy)
            for old in self._names(session)[keep:]:
                if old != copy:
                    _run(session, "DROP DATABASE {}", old)
        return copy

    def restore(self, copy: str, migration: Login, owner: str) -> None:
        """Put `copy` in the database's place, which itself stays under another name.

        `migration` reads which schema the database has; `owner` is the role that owns it. Does
        nothing when the copy is the database already, and goes on where a crash left it.
        """
        aside = undone_name(self.database)
        with self._administrator() as session:
            require_ours(session, self.server.connection, owner)
            found = self._names(session)
            present = _exists(session, self.database)
            if copy not in found:
                if present and copy == copy_name(self.database, self._revision(migration)):
                    return
                raise self._no_copy(copy, found)
            _run(session, "ALTER DATABASE {} OWNER TO {}", copy, owner)
            if present:
                _run(session, "DROP DATABASE IF EXISTS {}", aside)
                _run(session, "ALTER DATABASE {} RENAME TO {}", self.database, aside)
            _run(session, "ALTER DATABASE {} RENAME TO {}", copy, self.database)

    def drop(self) -> None:
        """Drop every copy, and what a restore has put aside."""
        with self._administrator() as session:
            for name in (*self._names(session), undone_name(self.database)):
                _run(session, "DROP DATABASE IF EXISTS {}", name)

    def _names(self, session: Session) -> list[str]:
        found = session.execute(_COPIES, {"base": self.database})
        return [row["datname"] for row in found]

    def _revision(self, migration: Login) -> str:
        with self.server.session(self.database, migration) as session:
            row = session.execute(_REVISION).fetchone()
        if row is None:
            raise RuntimeError(f"{self.database} has no schema revision to copy")
        return str(row["version_num"])

    @contextmanager
    def _administrator(self) -> Iterator[Session]:
        connection = self.server.connection
        admin = Login(connection.username, connection.password)
        with self.server.session(MAINTENANCE_DATABASE, admin) as session:
            session.execute(_LONG)
            yield session

    def _no_copy(self, wanted: str, found: list[str]) -> StoreError:
        return StoreError(
            Reason.MISSING_DATABASE,
            f"there is no copy {wanted!r} of database {self.database}; there are: "
            f"{', '.join(found) or 'none'}. Name one of them.",
            transient=False,
        )


def _exists(session: Session, database: str) -> bool:
    return session.execute(_EXISTS, [database]).fetchone() is not None


def _run(session: Session, statement: LiteralString, *names: str) -> None:
    session.execute(SQL(statement).format(*map(Identifier, names)))

"""The database of one workspace, read and dropped by the administrator."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from psycopg.sql import SQL, Identifier

from mooring_operator.stores.contents import Records, Run
from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.names import DatabaseNames
from mooring_operator.stores.postgresql import MAINTENANCE_DATABASE, PostgresqlServer, Session
from mooring_operator.stores.postgresql_copies import PostgresqlCopies
from mooring_operator.stores.postgresql_mark import require_ours
from mooring_operator.stores.postgresql_plan import each
from mooring_operator.stores.protocol import Login

SHOWN: Final = 3
"""Runs in flight that are named; the others are counted."""

_OWNER: Final = "SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = %s"
_MEMBER: Final = "SELECT pg_has_role(current_user, %s, 'USAGE') AS member"
_ROLES: Final = "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)"
_LONG: Final = "SET statement_timeout = '10min'"
"""Dropping a database unlinks its files; it runs in a session of its own that nobody waits for."""

_MIGRATED: Final = "SELECT to_regclass('public.runs') IS NOT NULL AS migrated"
_COUNTS: Final = """
SELECT (SELECT count(*) FROM public.experiments) AS experiments,
       (SELECT count(*) FROM public.runs) AS runs
"""
_IN_FLIGHT: Final = """
SELECT count(*) OVER () AS total, r.run_uuid AS id, e.name AS experiment, r.start_time AS started
FROM public.runs r JOIN public.experiments e USING (experiment_id)
WHERE r.status = 'RUNNING' AND r.lifecycle_stage = 'active' AND r.start_time >= %s
ORDER BY r.start_time DESC, r.run_uuid LIMIT %s
"""
"""Columns as MLflow 3.17 has them (mlflow/store/tracking/dbmodels/models.py), since its 1.0."""


def read(session: Session, since: int) -> Records | None:
    """What is in the database of `session`; see `contents.DatabaseData`."""
    migrated = session.execute(_MIGRATED).fetchone()
    if migrated is None or not migrated["migrated"]:
        return None
    counts = session.execute(_COUNTS).fetchone() or {}
    running = session.execute(_IN_FLIGHT, [since, SHOWN]).fetchall()
    return Records(
        experiments=counts["experiments"],
        runs=counts["runs"],
        in_flight=running[0]["total"] if running else 0,
        newest=tuple(Run(row["id"], row["experiment"], row["started"]) for row in running),
    )


@dataclass(frozen=True, slots=True)
class PostgresqlData:
    """The database with `names` on `server`; see `contents.DatabaseData`."""

    server: PostgresqlServer
    names: DatabaseNames

    def read(self, since: int) -> Records | None:
        """What is in it."""
        with self._administrator(MAINTENANCE_DATABASE) as session:
            require_ours(session, self.server.connection, self.names.owner)
            if not self._exists(session):
                return None
            self._join_owner(session)
        with self._administrator(self.names.database) as session:
            return read(session, since)

    def remove(self) -> None:
        """Drop the copies, the database, and the two roles that cannot log in."""
        names = self.names
        with self._administrator(MAINTENANCE_DATABASE) as session:
            require_ours(session, self.server.connection, names.owner)
        PostgresqlCopies(self.server, names.database).drop()
        with self._administrator(MAINTENANCE_DATABASE) as session:
            session.execute(_LONG)
            if self._exists(session):
                self._join_owner(session)
                session.execute(SQL("DROP DATABASE {}").format(Identifier(names.database)))
            rows = session.execute(_ROLES, [[names.access, names.owner]])
            if left := [row["rolname"] for row in rows]:
                session.execute(each("DROP ROLE {}", left))

    @contextmanager
    def _administrator(self, database: str) -> Iterator[Session]:
        connection = self.server.connection
        admin = Login(connection.username, connection.password)
        with self.server.session(database, admin) as session:
            yield session

    def _exists(self, session: Session) -> bool:
        """Whether there is the database; StoreError when it is somebody else's."""
        found = session.execute(_OWNER, [self.names.database]).fetchone()
        if found is not None and found["owner"] != self.names.owner:
            raise StoreError(
                Reason.NAME_TAKEN,
                f"database {self.names.database} belongs to role {found['owner']}, not to "
                f"{self.names.owner}, and is left alone: have its owner set right (ALTER DATABASE "
                "… OWNER TO), or drop or rename it.",
                transient=False,
            )
        return found is not None

    def _join_owner(self, session: Session) -> None:
        """Have the administrator act for the owner; one with all rights does so already."""
        found = session.execute(_MEMBER, [self.names.owner]).fetchone()
        if found is None or not found["member"]:
            session.execute(each("GRANT {} TO CURRENT_USER", [self.names.owner]))

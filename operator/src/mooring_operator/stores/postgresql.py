"""A PostgreSQL server on which each workspace has a database and roles of its own."""

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from mooring_operator.stores import postgresql_mark as mark
from mooring_operator.stores.authorities import authorities_file
from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.postgresql_audit import audit
from mooring_operator.stores.postgresql_errors import FIELD, connect_error, statement_error
from mooring_operator.stores.postgresql_plan import (
    Privileges,
    Role,
    database_statement,
    each,
    joined,
    password_statement,
    privilege_statements,
    role_statements,
    wanted_roles,
)
from mooring_operator.stores.protocol import Audit, DatabaseConnection, DatabaseGrant, Login

MAINTENANCE_DATABASE: Final = "postgres"
OLDEST_VERSION: Final = 150000
CONNECT_TIMEOUT: Final = 5
"""Seconds."""
TCP_USER_TIMEOUT: Final = 20_000
"""Milliseconds after which a kept session whose other end is silent counts as gone."""
STATEMENT_TIMEOUT: Final = "60s"

_ABLE: Final = """
SELECT rolsuper OR (rolcreatedb AND rolcreaterole) AS able FROM pg_roles
WHERE rolname = current_user
"""

_CONNECTIONS: Final = """
SELECT current_setting('max_connections')::int
  - current_setting('superuser_reserved_connections')::int
  - coalesce(current_setting('reserved_connections', true)::int, 0) AS usable
"""
"""https://www.postgresql.org/docs/current/runtime-config-connection.html; the last since 16."""

_ROLES: Final = """
SELECT r.rolname, r.rolcanlogin, r.rolconnlimit, coalesce(r.rolconfig, '{}') AS settings,
  ARRAY(SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
        WHERE m.member = r.oid ORDER BY 1) AS member_of,
  coalesce(shobj_description(r.oid, 'pg_authid'), '') AS comment
FROM pg_roles r WHERE r.rolname = ANY(%s)
"""

_OWNER: Final = """
SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = %s
"""

_PRIVILEGES: Final = """
SELECT
  has_database_privilege(%(access)s, current_database(), 'CONNECT')
    AND NOT has_database_privilege('public', current_database(), 'CONNECT, TEMPORARY') AS connect,
  has_schema_privilege(%(access)s, 'public', 'USAGE')
    AND NOT has_schema_privilege(%(access)s, 'public', 'CREATE')
    AND NOT has_schema_privilege('public', 'public', 'USAGE, CREATE') AS schema,
  ARRAY(SELECT ARRAY[d.defaclobjtype::text, a.privilege_type]
        FROM pg_default_acl d, aclexplode(d.defaclacl) a
        WHERE d.defaclnamespace = 'public'::regnamespace
          AND pg_get_userbyid(d.defaclrole) = %(owner)s
          AND pg_get_userbyid(a.grantee) = %(access)s) AS defaults,
  NOT EXISTS (
    SELECT FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND NOT CASE c.relkind
      WHEN 'r' THEN has_table_privilege(%(access)s, c.oid, 'SELECT')
        AND has_table_privilege(%(access)s, c.oid, 'INSERT')
        AND has_table_privilege(%(access)s, c.oid, 'UPDATE')
        AND has_table_privilege(%(access)s, c.oid, 'DELETE')
      WHEN 'S' THEN has_sequence_privilege(%(access)s, c.oid, 'SELECT')
        AND has_sequence_privilege(%(access)s, c.oid, 'USAGE')
      ELSE true END) AS tables
"""

_TERMINATE: Final = """
SELECT count(*) FILTER (WHERE NOT pg_terminate_backend(pid, 5000)) AS left
FROM pg_stat_activity WHERE usename = ANY(%s)
"""

Session = psycopg.Connection[dict[str, Any]]


@dataclass(slots=True)
class _Admin:
    """The administrator's session on one server, used by one thread at a time."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    connection: DatabaseConnection | None = None
    session: Session | None = None


_ADMINS: Final[defaultdict[tuple[str, int, str], _Admin]] = defaultdict(_Admin)
_ADMINS_LOCK: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class PostgresqlServer:
    """The database server behind `connection`; see `protocol.DatabaseServer`.

    Cheap to make: one session of the administrator is kept per host, port and role.
    """

    connection: DatabaseConnection

    def check(self) -> None:
        """Prove that the administrator gets in and may make databases and roles."""
        here = f"PostgreSQL at {self.connection.host}:{self.connection.port}"
        with self._admin() as session:
            row = session.execute(_ABLE).fetchone()
            version = session.info.server_version
        if version < OLDEST_VERSION:
            raise StoreError(
                Reason.UNSUPPORTED_VERSION,
                f"{here} is version {version // 10000}: Mooring needs 15 or newer: upgrade it, or "
                f"set {FIELD}.host to another server.",
                transient=False,
            )
        if row is None or not row["able"]:
            raise StoreError(
                Reason.MISSING_PRIVILEGE,
                f"{here}: role {self.connection.username} may not make databases and roles: give "
                f"it CREATEDB and CREATEROLE, or name another role in the Secret of "
                f"{FIELD}.adminSecret.",
                transient=False,
            )

    def connections(self) -> int | None:
        """How many connections it takes of roles without privileges."""
        with self._admin() as session:
            row = session.execute(_CONNECTIONS).fetchone()
        return int(row["usable"]) if row else None

    def ensure(self, grant: DatabaseGrant) -> Audit:
        """Make roles, database and privileges, and prove both logins; see `protocol`."""
        with self._admin() as session:
            _ensure_roles(session, self.connection, grant)
            _ensure_database(session, grant)
        with self._login(grant.database, grant.migration) as session:
            if not _privileges(session, grant).right:
                session.execute(joined(privilege_statements(grant)))
            found = audit(session, grant.artifact_root)
        try:
            with self._login(grant.database, grant.runtime):
                pass
        except StoreError as error:
            # The server asks for the password first: one session too many proves it as well.
            if error.reason is not Reason.TOO_MANY_CONNECTIONS:
                raise
        return found

    def probe(self, database: str, login: Login, root: str | None = None) -> Audit:
        """Prove that `login` gets into `database`; what lies outside of `root` or is lost."""
        with self.session(database, login) as session:
            return audit(session, root)

    def revoke(self, roles: tuple[str, ...], owner: str) -> None:
        """Cut the sessions of the login roles and drop them; database and `owner` stay.

        Login is taken away first: neither DROP ROLE nor a new password ends a session, and one
        that begins in between would live on.
        """
        with self._admin() as session:
            names = list(_roles(session, roles))
            if not names:
                return
            mark.require_ours(session, self.connection, owner)
            session.execute(each("GRANT {} TO CURRENT_USER", names))
            session.execute(each("ALTER ROLE {} NOLOGIN", names))
            row = session.execute(_TERMINATE, [names]).fetchone()
            if row is not None and row["left"]:
                raise StoreError(
                    Reason.BUSY,
                    f"{row['left']} sessions of {', '.join(names)} have not ended within 5 s; the "
                    "roles are dropped when they have.",
                    transient=True,
                )
            session.execute(each("DROP ROLE {}", names))

    @contextmanager
    def session(self, database: str, login: Login) -> Iterator[Session]:
        """Give a session of `login` in `database`, which ends with the block."""
        with self._connect(database, login.role, login.password) as session, self._told():
            yield session

    @contextmanager
    def _admin(self) -> Iterator[Session]:
        """Give the administrator's session, opened again when it is gone or has changed."""
        server = self.connection
        with _ADMINS_LOCK:
            admin = _ADMINS[server.host, server.port, server.username]
        with admin.lock:
            if admin.session is None or admin.connection != server or not _alive(admin.session):
                if admin.session is not None:
                    admin.session.close()
                    admin.session = None
                admin.session = self._connect(
                    MAINTENANCE_DATABASE, server.username, server.password
                )
                admin.connection = server
            with self._told():
                yield admin.session

    @contextmanager
    def _login(self, database: str, login: Login) -> Iterator[Session]:
        """Give a session of `login`, whose password is set when the server does not take it."""
        try:
            session = self._connect(database, login.role, login.password)
        except StoreError as error:
            # UNEXPECTED_ANSWER: a server that says it in another language than English.
            if error.reason not in {Reason.WRONG_CREDENTIALS, Reason.UNEXPECTED_ANSWER}:
                raise
            with self._admin() as admin:
                admin.execute(password_statement(login.role, _verifier(admin, login)))
            session = self._connect(database, login.role, login.password)
        with session, self._told():
            yield session

    def _connect(self, database: str, role: str, password: str) -> Session:
        ca = self.connection.ca
        try:
            return psycopg.connect(
                host=self.connection.host,
                port=self.connection.port,
                sslmode=self.connection.ssl_mode,
                sslrootcert=authorities_file(ca) if ca else None,
                dbname=database,
                user=role,
                password=password,
                connect_timeout=CONNECT_TIMEOUT,
                tcp_user_timeout=TCP_USER_TIMEOUT,
                gssencmode="disable",
                application_name="mooring-operator",
                options=f"-c statement_timeout={STATEMENT_TIMEOUT}",
                autocommit=True,
                row_factory=dict_row,
            )
        except psycopg.Error as error:
            raise connect_error(self.connection, database, role, error) from None

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise statement_error(self.connection, error) from None


def _alive(session: Session) -> bool:
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def _roles(session: Session, names: Iterable[str]) -> dict[str, Role]:
    """Return those of the roles `names` that exist."""
    return {
        row["rolname"]: Role(
            login=row["rolcanlogin"],
            connection_limit=row["rolconnlimit"],
            member_of=tuple(row["member_of"]),
            settings=tuple(row["settings"]),
            comment=row["comment"],
        )
        for row in session.execute(_ROLES, [list(names)])
    }


def _ensure_roles(session: Session, server: DatabaseConnection, grant: DatabaseGrant) -> None:
    wanted = wanted_roles(grant)
    found = _roles(session, wanted)
    comment = found[grant.owner].comment if grant.owner in found else ""
    mark.check(server, grant.owner, comment)
    statements = role_statements(wanted, found)
    statements += mark.mark_statements(server, grant.owner, comment)
    for login in (grant.migration, grant.runtime):
        if login.role not in found:
            statements.append(password_statement(login.role, _verifier(session, login)))
    if statements:
        session.execute(joined(statements))


def _ensure_database(session: Session, grant: DatabaseGrant) -> None:
    row = session.execute(_OWNER, [grant.database]).fetchone()
    if row is None:
        # Whoever makes a database for another role has to be a member of that role.
        session.execute(each("GRANT {} TO CURRENT_USER", [grant.owner]))
        session.execute(database_statement(grant))
    elif row["owner"] != grant.owner:
        raise StoreError(
            Reason.NAME_TAKEN,
            f"database {grant.database} exists and belongs to role {row['owner']}, not to "
            f"{grant.owner}: rename or drop it, or name the workspace otherwise.",
            transient=False,
        )


def _privileges(session: Session, grant: DatabaseGrant) -> Privileges:
    row = session.execute(_PRIVILEGES, {"access": grant.access, "owner": grant.owner}).fetchone()
    if row is None:
        raise RuntimeError("a query without FROM gives one row")
    return Privileges(
        connect=row["connect"],
        schema=row["schema"],
        defaults=frozenset((kind, privilege) for kind, privilege in row["defaults"]),
        tables=row["tables"],
    )


def _verifier(session: Session, login: Login) -> str:
    """Return what the server keeps of the password, so that the password itself is never sent."""
    made = session.pgconn.encrypt_password(
        login.password.encode(), login.role.encode(), b"scram-sha-256"
    )
    return made.decode()

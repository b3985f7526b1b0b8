"""A database and four roles per workspace on a shared server."""

import contextlib
import dataclasses
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.postgresql import PostgresqlServer
from mooring_operator.stores.protocol import DatabaseConnection, DatabaseGrant, Login
from tests.integration.stores.conftest import database_grant
from tests.services.postgresql import Postgresql

WRITE = re.compile(r"(?:LOG:  (?:statement|execute [^:]*):|;)\s*(CREATE|ALTER|GRANT|REVOKE|DROP)")


@contextlib.contextmanager
def session(
    server: DatabaseConnection, database: str, login: Login | None = None
) -> Iterator[psycopg.Connection[Any]]:
    """A session of `login`, of the administrator when there is none."""
    user = login or Login(server.username, server.password)
    with psycopg.connect(
        host=server.host, port=server.port, dbname=database, user=user.role,
        password=user.password, autocommit=True,
    ) as opened:  # fmt: skip
        yield opened


def outcome(connection: psycopg.Connection[Any], statement: LiteralString) -> str:
    """`OK`, or the name of the error with which the server refused."""
    try:
        connection.execute(statement)
    except psycopg.Error as error:
        return type(error).__name__
    return "OK"


def enters(server: DatabaseConnection, database: str, login: Login) -> str:
    """`OK`, or what the server said at the door."""
    try:
        with session(server, database, login):
            return "OK"
    except psycopg.OperationalError as error:
        return str(error).partition("FATAL:  ")[2].partition("\n")[0]


def migrate(server: DatabaseConnection, grant: DatabaseGrant) -> None:
    """What MLflow's migration does, in small."""
    with session(server, grant.database, grant.migration) as migration:
        migration.execute("CREATE TABLE runs (id serial PRIMARY KEY, name text)")


def admin(
    server: DatabaseConnection, statement: LiteralString, *names: str, database: str = "postgres"
) -> list[tuple[Any, ...]]:
    with session(server, database) as administrator:
        cursor = administrator.execute(SQL(statement).format(*map(Identifier, names)))
        return cursor.fetchall() if cursor.description else []


def test_a_shared_server_lets_every_role_into_every_database(
    database: DatabaseConnection, unique: str
) -> None:
    """The loss, without Mooring: CREATE DATABASE and CREATE ROLE isolate nobody."""
    stranger = Login(f"stranger-{unique}", "x")
    admin(database, "CREATE DATABASE {}", unique)
    admin(database, "CREATE ROLE {} LOGIN PASSWORD 'x'", stranger.role)
    assert enters(database, unique, stranger) == "OK"


def test_no_login_gets_into_the_database_of_another_team(
    server: PostgresqlServer, database: DatabaseConnection,
    team_a: DatabaseGrant, team_b: DatabaseGrant,
) -> None:  # fmt: skip
    server.ensure(team_a)
    server.ensure(team_b)
    migrate(database, team_a)

    for login in (team_a.migration, team_a.runtime):
        assert enters(database, team_a.database, login) == "OK"
    for login in (team_b.migration, team_b.runtime):
        refused = f'permission denied for database "{team_a.database}"'
        assert enters(database, team_a.database, login) == refused
        with session(database, team_b.database, login) as theirs:
            for role in (team_a.owner, team_a.access, team_a.runtime.role):
                become = SQL("SET ROLE {}").format(Identifier(role))
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    theirs.execute(become)


def test_the_run_time_login_writes_rows_and_owns_nothing(
    server: PostgresqlServer, database: DatabaseConnection, team_a: DatabaseGrant
) -> None:
    server.ensure(team_a)
    migrate(database, team_a)

    with session(database, team_a.database, team_a.runtime) as runtime:
        for statement in (
            "INSERT INTO runs (name) VALUES ('a')",
            "SELECT * FROM runs",
            "UPDATE runs SET name = 'b'",
            "DELETE FROM runs",
        ):  # type: LiteralString
            assert outcome(runtime, statement) == "OK", statement
        for statement in (
            "CREATE TABLE mine (id int)",
            "DROP TABLE runs",
            "TRUNCATE runs",
            "ALTER TABLE runs ADD COLUMN x int",
            "CREATE ROLE x",
            "CREATE DATABASE x",
            "CREATE SCHEMA x",
        ):
            assert outcome(runtime, statement) == "InsufficientPrivilege", statement
    owners = admin(
        database, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'",
        database=team_a.database,
    )  # fmt: skip
    assert owners == [(team_a.owner,)]


def test_a_second_ensure_writes_nothing(
    server: PostgresqlServer, database: DatabaseConnection, team_a: DatabaseGrant,
    postgresql_service: Postgresql,
) -> None:  # fmt: skip
    def written(since: int) -> list[str]:
        log = postgresql_service.log.read_text()[since:]
        return [found.group(1) for found in WRITE.finditer(log)]

    start = len(postgresql_service.log.read_text())
    server.ensure(team_a)
    migrate(database, team_a)
    assert {"CREATE", "ALTER", "GRANT", "REVOKE"} <= set(written(start))

    start = len(postgresql_service.log.read_text())
    server.ensure(team_a)
    server.check()
    assert written(start) == []


def test_the_server_never_sees_a_password(
    server: PostgresqlServer, team_a: DatabaseGrant, postgresql_service: Postgresql
) -> None:
    server.ensure(team_a)
    new = dataclasses.replace(team_a, runtime=Login(team_a.runtime.role, "not-to-be-seen-either"))
    server.ensure(new)

    log = postgresql_service.log.read_text()
    assert f'ALTER ROLE "{team_a.runtime.role}" PASSWORD \'SCRAM-SHA-256$' in log
    assert "not-to-be-seen" not in log


@pytest.mark.parametrize("which", ["migration", "runtime"])
def test_the_password_of_the_secret_is_the_one_that_holds(
    server: PostgresqlServer, database: DatabaseConnection, team_a: DatabaseGrant, which: str
) -> None:
    """Somebody changed it by hand, or the Secret was lost and made anew."""
    server.ensure(team_a)
    login: Login = getattr(team_a, which)
    admin(database, "ALTER ROLE {} PASSWORD 'by hand'", login.role)
    assert "authentication failed" in enters(database, team_a.database, login)

    server.ensure(team_a)

    assert enters(database, team_a.database, login) == "OK"


def test_dropping_a_role_alone_leaves_its_sessions(
    server: PostgresqlServer, database: DatabaseConnection, team_a: DatabaseGrant
) -> None:
    """The loss: a leaked credential would go on working."""
    server.ensure(team_a)
    migrate(database, team_a)
    with session(database, team_a.database, team_a.runtime) as live:
        admin(database, "ALTER ROLE {} PASSWORD 'changed'", team_a.runtime.role)
        admin(database, "ALTER ROLE {} NOLOGIN", team_a.runtime.role)
        assert outcome(live, "INSERT INTO runs (name) VALUES ('a')") == "OK"


def test_revoked_means_cut_off_and_the_data_stays(
    server: PostgresqlServer, database: DatabaseConnection, team_a: DatabaseGrant
) -> None:
    logins = (team_a.migration, team_a.runtime)
    roles = tuple(login.role for login in logins)
    server.ensure(team_a)
    migrate(database, team_a)
    with session(database, team_a.database, team_a.runtime) as live:
        assert outcome(live, "INSERT INTO runs (name) VALUES ('kept')") == "OK"
        server.revoke(roles)
        assert outcome(live, "SELECT 1") in {"AdminShutdown", "OperationalError"}
    for login in logins:
        assert "authentication failed" in enters(database, team_a.database, login)
    rows = admin(database, "SELECT name FROM runs", database=team_a.database)
    assert rows == [("kept",)]
    server.revoke(roles)

    server.ensure(team_a)
    with session(database, team_a.database, team_a.runtime) as back:
        assert back.execute("SELECT name FROM runs").fetchall() == [("kept",)]


@pytest.mark.parametrize(
    "done",
    [
        ("CREATE ROLE {owner}",),
        ("CREATE ROLE {owner}", "CREATE ROLE {access}", "CREATE ROLE {migration}"),
        ("CREATE ROLE {owner}", "CREATE DATABASE {database} OWNER {owner}"),
    ],
)
def test_a_half_made_workspace_is_finished(
    server: PostgresqlServer, database: DatabaseConnection, team_a: DatabaseGrant,
    done: tuple[LiteralString, ...],
) -> None:  # fmt: skip
    names = {
        "owner": Identifier(team_a.owner),
        "access": Identifier(team_a.access),
        "migration": Identifier(team_a.migration.role),
        "database": Identifier(team_a.database),
    }
    with session(database, "postgres") as administrator:
        for statement in done:
            administrator.execute(SQL(statement).format(**names))
    assert enters(database, team_a.database, team_a.runtime) != "OK"

    server.ensure(team_a)

    migrate(database, team_a)
    with session(database, team_a.database, team_a.runtime) as runtime:
        assert outcome(runtime, "INSERT INTO runs (name) VALUES ('a')") == "OK"


@pytest.mark.parametrize(
    "harm",
    [
        "REVOKE INSERT ON runs FROM {access}",
        "REVOKE USAGE ON SEQUENCE runs_id_seq FROM {access}",
        "REVOKE USAGE ON SCHEMA public FROM {access}",
        "REVOKE {access} FROM {runtime}",
    ],
)
def test_lost_privileges_come_back(
    server: PostgresqlServer, database: DatabaseConnection, team_a: DatabaseGrant,
    harm: LiteralString,
) -> None:  # fmt: skip
    """An MLflow server that can read but not write starts, and says that it is healthy."""
    insert = "INSERT INTO runs (name) VALUES ('a')"
    server.ensure(team_a)
    migrate(database, team_a)
    names = {"access": Identifier(team_a.access), "runtime": Identifier(team_a.runtime.role)}
    with session(database, team_a.database) as administrator:
        administrator.execute(SQL(harm).format(**names))
    try:
        with session(database, team_a.database, team_a.runtime) as runtime:
            assert outcome(runtime, insert) != "OK"
    except psycopg.OperationalError as error:
        assert "permission denied" in str(error)  # noqa: PT017 - the other way to lose it

    server.ensure(team_a)

    with session(database, team_a.database, team_a.runtime) as runtime:
        assert outcome(runtime, insert) == "OK"


def test_public_is_shut_out_again(
    server: PostgresqlServer, database: DatabaseConnection,
    team_a: DatabaseGrant, team_b: DatabaseGrant,
) -> None:  # fmt: skip
    server.ensure(team_a)
    server.ensure(team_b)
    admin(database, "GRANT CONNECT ON DATABASE {} TO PUBLIC", team_a.database)
    assert enters(database, team_a.database, team_b.runtime) == "OK"

    server.ensure(team_a)

    assert "permission denied" in enters(database, team_a.database, team_b.runtime)


def test_the_connection_limit_holds_and_does_not_stop_the_operator(
    server: PostgresqlServer, database: DatabaseConnection, team_a: DatabaseGrant
) -> None:
    limited = dataclasses.replace(team_a, connection_limit=1)
    server.ensure(limited)
    with session(database, limited.database, limited.runtime):
        assert "too many connections" in enters(database, limited.database, limited.runtime)
        server.ensure(limited)
        with pytest.raises(StoreError) as raised:
            server.probe(limited.database, limited.runtime)
    assert raised.value.reason is Reason.TOO_MANY_CONNECTIONS

    server.ensure(team_a)
    with session(database, team_a.database, team_a.runtime):
        assert enters(database, team_a.database, team_a.runtime) == "OK"


def test_the_kept_session_is_opened_again(
    server: PostgresqlServer, database: DatabaseConnection, team_a: DatabaseGrant
) -> None:
    server.check()
    ended = admin(
        database, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE application_name = 'mooring-operator'",
    )  # fmt: skip
    assert (True,) in ended

    server.ensure(team_a)


def test_an_administrator_that_is_no_superuser(
    database: DatabaseConnection, unique: str, team_a: DatabaseGrant
) -> None:
    """As on a managed server, where nobody is one."""
    name = f"admin-{unique}"
    admin(database, "CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD 'a'", name)
    mine = dataclasses.replace(database, username=name, password="a")
    server = PostgresqlServer(mine)
    server.check()
    server.ensure(team_a)
    migrate(database, team_a)
    with session(database, team_a.database, team_a.runtime) as live:
        assert outcome(live, "INSERT INTO runs (name) VALUES ('a')") == "OK"
        server.revoke((team_a.migration.role, team_a.runtime.role))
        assert outcome(live, "SELECT 1") != "OK"
    server.ensure(team_a)
    assert enters(database, team_a.database, team_a.runtime) == "OK"


def test_many_workspaces_at_once(
    server: PostgresqlServer, database: DatabaseConnection, unique: str
) -> None:
    grants = [database_grant(f"team-{number}-{unique}", "models") for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(server.ensure, grants))
    for grant in grants:
        assert enters(database, grant.database, grant.runtime) == "OK"

"""A database and four roles per workspace on a shared server."""

import dataclasses
import re
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from mooring_operator.stores.postgresql import PostgresqlServer
from mooring_operator.stores.protocol import DatabaseConnection, DatabaseGrant, Login
from tests.integration.stores.conftest import database_grant
from tests.integration.stores.database_client import admin, enters, migrate, outcome, session
from tests.services.postgresql import Postgresql

WRITE = re.compile(r"(?:LOG:  (?:statement|execute [^:]*):|;)\s*(CREATE|ALTER|GRANT|REVOKE|DROP)")


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
    first, second = uuid4().hex, uuid4().hex
    for password in (first, second):
        login = Login(team_a.runtime.role, password)
        server.ensure(dataclasses.replace(team_a, runtime=login))

    log = postgresql_service.log.read_text()
    assert f'ALTER ROLE "{team_a.runtime.role}" PASSWORD \'SCRAM-SHA-256$' in log
    assert first not in log
    assert second not in log


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
        server.revoke(roles, team_a.owner)
        assert outcome(live, "SELECT 1") in {"AdminShutdown", "OperationalError"}
    for login in logins:
        assert "authentication failed" in enters(database, team_a.database, login)
    rows = admin(database, "SELECT name FROM runs", database=team_a.database)
    assert rows == [("kept",)]
    server.revoke(roles, team_a.owner)

    server.ensure(team_a)
    with session(database, team_a.database, team_a.runtime) as back:
        assert back.execute("SELECT name FROM runs").fetchall() == [("kept",)]


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
        server.revoke((team_a.migration.role, team_a.runtime.role), team_a.owner)
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

"""What is half made, lost or changed by hand on a database server is put right."""

import dataclasses
from typing import LiteralString

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.postgresql import PostgresqlServer
from mooring_operator.stores.protocol import DatabaseConnection, DatabaseGrant, Login
from tests.integration.stores.database_client import admin, enters, migrate, outcome, session


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

"""What a tracking server does with the login it was given, and what an administrator sees."""

import contextlib
from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
from psycopg.sql import SQL, Identifier

from mooring_operator.stores.protocol import DatabaseConnection, DatabaseGrant, Login

TABLES: LiteralString = """
CREATE TABLE experiments (experiment_id int PRIMARY KEY, name text, artifact_location text,
  lifecycle_stage text);
INSERT INTO experiments VALUES (0, 'Default', NULL, 'active'), (1, 'prices', NULL, 'active');
CREATE TABLE runs (run_uuid text PRIMARY KEY, experiment_id int, status text, lifecycle_stage text,
  start_time bigint);
"""
"""MLflow's tables as far as the operator reads them; test_contents.py has MLflow make them."""


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

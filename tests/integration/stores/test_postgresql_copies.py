"""Copies of a database before an upgrade, and the way back."""

import dataclasses

import pytest

from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.names import database_names
from mooring_operator.stores.postgresql import PostgresqlServer
from mooring_operator.stores.postgresql_copies import PostgresqlCopies
from mooring_operator.stores.protocol import DatabaseConnection, DatabaseGrant
from tests.integration.stores.conftest import database_grant
from tests.integration.stores.database_client import admin, enters, migrate, session

OLD, NEW = "aaaaaaaa1111", "bbbbbbbb2222"


@pytest.fixture
def copies(
    server: PostgresqlServer, database: DatabaseConnection, team_a: DatabaseGrant
) -> PostgresqlCopies:
    """A database at schema OLD with one run in it."""
    server.ensure(team_a)
    migrate(database, team_a)
    with session(database, team_a.database, team_a.migration) as migration:
        migration.execute("CREATE TABLE alembic_version (version_num varchar(32))")
        migration.execute("INSERT INTO alembic_version VALUES (%s)", [OLD])
        migration.execute("INSERT INTO runs (name) VALUES ('before')")
    return PostgresqlCopies(server, team_a.database)


def upgrade(database: DatabaseConnection, grant: DatabaseGrant, revision: str) -> None:
    """What a migration does that an older MLflow cannot read any more."""
    with session(database, grant.database, grant.migration) as migration:
        migration.execute("UPDATE alembic_version SET version_num = %s", [revision])
        migration.execute("UPDATE runs SET name = 'after'")


def runs(database: DatabaseConnection, name: str) -> list[str]:
    return [row[0] for row in admin(database, "SELECT name FROM runs", database=name)]


def test_an_upgrade_can_be_undone(
    copies: PostgresqlCopies, database: DatabaseConnection, team_a: DatabaseGrant
) -> None:
    copy = copies.make(team_a.migration, keep=1)
    upgrade(database, team_a, NEW)
    assert runs(database, team_a.database) == ["after"], "the loss: the data is not as it was"

    copies.restore(copy, team_a.migration, team_a.owner)

    assert runs(database, team_a.database) == ["before"]
    aside = f"{team_a.database}_undone"
    assert runs(database, aside) == ["after"], "nothing is dropped by going back"
    assert copies.names() == [], f"{copy} is the database now"


def test_the_restored_database_serves_its_logins(
    copies: PostgresqlCopies, server: PostgresqlServer, database: DatabaseConnection,
    team_a: DatabaseGrant, team_b: DatabaseGrant,
) -> None:  # fmt: skip
    copy = copies.make(team_a.migration, keep=1)
    copies.restore(copy, team_a.migration, team_a.owner)
    server.ensure(team_a)
    server.ensure(team_b)
    with session(database, team_a.database, team_a.runtime) as runtime:
        runtime.execute("INSERT INTO runs (name) VALUES ('more')")
    refused = f'permission denied for database "{team_a.database}"'
    assert enters(database, team_a.database, team_b.runtime) == refused


def test_an_administrator_without_superuser_can_do_it(
    database: DatabaseConnection, team_a: DatabaseGrant, unique: str
) -> None:
    """What managed servers give."""
    name = f"admin-{unique}"
    admin(database, "CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD 'a'", name)
    server = PostgresqlServer(dataclasses.replace(database, username=name, password="a"))
    server.ensure(team_a)
    with session(database, team_a.database, team_a.migration) as migration:
        migration.execute("CREATE TABLE alembic_version AS SELECT 'aaaaaaaa1111' version_num")
    made = PostgresqlCopies(server, team_a.database)
    copy = made.make(team_a.migration, keep=1)
    made.restore(copy, team_a.migration, team_a.owner)
    made.drop()
    server.ensure(team_a)


def test_no_login_gets_into_a_copy(
    copies: PostgresqlCopies, server: PostgresqlServer, database: DatabaseConnection,
    team_a: DatabaseGrant, team_b: DatabaseGrant,
) -> None:  # fmt: skip
    copy = copies.make(team_a.migration, keep=1)
    server.ensure(team_b)
    for login in (team_a.runtime, team_b.runtime, team_b.migration):
        assert enters(database, copy, login) == f'permission denied for database "{copy}"'


def test_a_second_attempt_keeps_the_first_copy(
    copies: PostgresqlCopies, database: DatabaseConnection, team_a: DatabaseGrant
) -> None:
    copy = copies.make(team_a.migration, keep=1)
    with session(database, team_a.database, team_a.migration) as migration:
        migration.execute("UPDATE runs SET name = 'half migrated'")
    assert copies.make(team_a.migration, keep=1) == copy
    assert runs(database, copy) == ["before"]


def test_only_the_newest_copies_stay(
    copies: PostgresqlCopies, database: DatabaseConnection, team_a: DatabaseGrant
) -> None:
    first = copies.make(team_a.migration, keep=2)
    made = []
    for revision in (NEW, "cccccccc3333"):
        upgrade(database, team_a, revision)
        made.append(copies.make(team_a.migration, keep=2))
    assert copies.names() == made[::-1]
    assert first not in copies.names()


def test_a_database_in_use_is_told_and_not_copied(
    copies: PostgresqlCopies, database: DatabaseConnection, team_a: DatabaseGrant
) -> None:
    with (
        session(database, team_a.database, team_a.runtime),
        pytest.raises(StoreError, match="being accessed by other users") as told,
    ):
        copies.make(team_a.migration, keep=1)
    assert told.value.reason is Reason.BUSY
    assert copies.names() == []


def test_a_copy_that_is_not_there_is_told_with_those_that_are(
    copies: PostgresqlCopies, team_a: DatabaseGrant
) -> None:
    copy = copies.make(team_a.migration, keep=1)
    with pytest.raises(StoreError, match=rf"no copy 'typo' .* there are: {copy}\. Name one"):
        copies.restore("typo", team_a.migration, team_a.owner)


def test_going_back_ends_where_a_crash_left_it(
    copies: PostgresqlCopies, database: DatabaseConnection, team_a: DatabaseGrant
) -> None:
    copy = copies.make(team_a.migration, keep=1)
    aside = f"{team_a.database}_undone"
    admin(database, "ALTER DATABASE {} RENAME TO {}", team_a.database, aside)
    for _ in range(2):
        copies.restore(copy, team_a.migration, team_a.owner)
        assert runs(database, team_a.database) == ["before"]


def test_databases_of_other_workspaces_are_no_copies(
    server: PostgresqlServer, copies: PostgresqlCopies, team_a: DatabaseGrant, unique: str
) -> None:
    """A name that is cut has a digest at its end, as a copy has a revision."""
    cut = database_names(f"team-a-{unique}", "models" + "x" * 40).database
    other = dataclasses.replace(database_grant("x", unique), database=cut)
    server.ensure(other)
    short = cut.rpartition("__")[0]
    assert PostgresqlCopies(server, short).names() == []

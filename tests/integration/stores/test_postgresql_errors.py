"""What a platform engineer reads when the database server of a class does not do its part."""

import dataclasses

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.postgresql import PostgresqlServer
from mooring_operator.stores.protocol import DatabaseConnection, DatabaseGrant, Login
from tests.services.process import closed_port


def refusal(connection: DatabaseConnection) -> StoreError:
    with pytest.raises(StoreError) as raised:
        PostgresqlServer(connection).check()
    assert connection.password not in f"{raised.value} {raised.value!r}"
    assert f"{connection.host}:{connection.port}" in raised.value.message
    return raised.value


@pytest.mark.parametrize("field", ["username", "password"])
def test_a_wrong_admin_login(database: DatabaseConnection, field: str) -> None:
    wrong = dataclasses.replace(database, **{field: "wrong-not-to-be-seen"})  # type: ignore[arg-type]
    error = refusal(wrong)
    assert error.reason is Reason.WRONG_CREDENTIALS
    assert not error.transient
    assert wrong.username in error.message
    assert "backendStore.postgresql.adminSecret" in error.message
    PostgresqlServer(database).check()


def test_a_wrong_login_does_not_reuse_the_session_of_the_right_one(
    database: DatabaseConnection, team_a: DatabaseGrant
) -> None:
    """The Secret was changed to something wrong while the operator was connected."""
    PostgresqlServer(database).check()
    with pytest.raises(StoreError) as raised:
        PostgresqlServer(dataclasses.replace(database, password="wrong")).ensure(team_a)
    assert raised.value.reason is Reason.WRONG_CREDENTIALS


def test_a_port_that_nothing_listens_on(database: DatabaseConnection) -> None:
    error = refusal(dataclasses.replace(database, port=closed_port()))
    assert error.reason is Reason.UNREACHABLE
    assert error.transient
    assert "backendStore.postgresql.host" in error.message


def test_no_such_host(database: DatabaseConnection) -> None:
    error = refusal(dataclasses.replace(database, host="nobody.invalid"))
    assert error.reason is Reason.UNKNOWN_HOST
    assert "backendStore.postgresql.host" in error.message


@pytest.mark.parametrize("mode", ["require", "verify-full"])
def test_tls_where_there_is_none(database: DatabaseConnection, mode: str) -> None:
    error = refusal(dataclasses.replace(database, ssl_mode=mode))
    assert error.reason is Reason.TLS_REFUSED
    assert "backendStore.postgresql.sslMode" in error.message


def test_an_administrator_that_may_not_make_roles(
    database: DatabaseConnection, team_a: DatabaseGrant, unique: str
) -> None:
    weak = dataclasses.replace(database, username=f"weak-{unique}", password="not-to-be-seen")
    with psycopg.connect(
        host=database.host, port=database.port, dbname="postgres", user=database.username,
        password=database.password, autocommit=True,
    ) as administrator:  # fmt: skip
        administrator.execute(
            SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD 'not-to-be-seen'").format(
                Identifier(weak.username)
            )
        )
    error = refusal(weak)
    assert error.reason is Reason.MISSING_PRIVILEGE
    assert "CREATEROLE" in error.message

    with pytest.raises(StoreError) as raised:
        PostgresqlServer(weak).ensure(team_a)
    assert raised.value.reason is Reason.MISSING_PRIVILEGE
    assert weak.username in raised.value.message


def test_a_database_that_belongs_to_somebody_else(
    server: PostgresqlServer, database: DatabaseConnection, team_a: DatabaseGrant
) -> None:
    """It is not taken over, and once it is out of the way all goes on by itself."""
    with psycopg.connect(
        host=database.host, port=database.port, dbname="postgres", user=database.username,
        password=database.password, autocommit=True,
    ) as administrator:  # fmt: skip
        name = Identifier(team_a.database)
        administrator.execute(SQL("CREATE DATABASE {}").format(name))
        with pytest.raises(StoreError) as raised:
            server.ensure(team_a)
        assert raised.value.reason is Reason.NAME_TAKEN
        assert team_a.database in raised.value.message
        assert database.username in raised.value.message

        administrator.execute(SQL("DROP DATABASE {}").format(name))
    server.ensure(team_a)


def test_probe_tells_what_a_login_lacks(
    server: PostgresqlServer, team_a: DatabaseGrant, team_b: DatabaseGrant
) -> None:
    server.ensure(team_a)
    server.ensure(team_b)
    server.probe(team_a.database, team_a.runtime)

    def finding(database: str, login: Login) -> Reason:
        with pytest.raises(StoreError) as raised:
            server.probe(database, login)
        assert login.password not in raised.value.message
        assert login.role in raised.value.message
        return raised.value.reason

    wrong = Login(team_a.runtime.role, "wrong-not-to-be-seen")
    assert finding(team_a.database, wrong) is Reason.WRONG_CREDENTIALS
    assert finding(team_a.database, team_b.runtime) is Reason.ACCESS_DENIED
    assert finding("no-such-database", team_a.runtime) is Reason.MISSING_DATABASE

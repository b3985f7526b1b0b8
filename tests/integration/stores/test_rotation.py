"""A credential is replaced while processes that hold the old one go on working."""

import dataclasses
from collections.abc import Mapping

import pytest

from mooring.contract import AWS_ACCESS_KEY_ID
from mooring_operator.stores.names import database_names, identity
from mooring_operator.stores.postgresql import PostgresqlServer
from mooring_operator.stores.protocol import (
    DatabaseConnection,
    DatabaseGrant,
    Login,
    S3Connection,
    StoreGrant,
)
from mooring_operator.stores.s3_iam import S3IamStore
from tests.integration.stores.database_client import admin as database_admin
from tests.integration.stores.database_client import enters, migrate, outcome, session
from tests.integration.stores.s3_client import OK, admin, client, made, new_key
from tests.integration.stores.s3_client import outcome as s3_outcome


def grant_of(unique: str) -> StoreGrant:
    return StoreGrant(identity(f"team-a-{unique}", "models"), f"team-a-{unique}/models")


def upload(connection: S3Connection, key: Mapping[str, str], grant: StoreGrant) -> str:
    put = client(connection, key).put_object
    return s3_outcome(put, Bucket=connection.bucket, Key=f"{grant.prefix}/x", Body=b"x")


def test_a_new_key_without_grace_breaks_whoever_holds_the_old_one(
    store: S3IamStore, minted: S3Connection, unique: str
) -> None:
    """The loss: a training pod keeps the key that it was started with."""
    grant = grant_of(unique)
    old = new_key(store, grant)
    new_key(store, grant)
    assert upload(minted, old, grant) == "InvalidAccessKeyId"


def test_the_old_key_works_until_it_no_longer_retires(
    store: S3IamStore, minted: S3Connection, unique: str
) -> None:
    grant = grant_of(unique)
    for _ in range(3):
        old = new_key(store, grant)
        retiring = (old[AWS_ACCESS_KEY_ID],)
        new = made(store.ensure(dataclasses.replace(grant, retiring_key_ids=retiring)))
        held = dataclasses.replace(grant, held_key_id=new[AWS_ACCESS_KEY_ID])
        assert store.ensure(dataclasses.replace(held, retiring_key_ids=retiring)).env is None
        assert [upload(minted, key, grant) for key in (old, new)] == [OK, OK]

        assert store.ensure(held).env is None
        assert [upload(minted, key, grant) for key in (old, new)] == ["InvalidAccessKeyId", OK]


def test_a_rotation_that_was_cut_off_begins_again(
    store: S3IamStore, minted: S3Connection, unique: str
) -> None:
    """The key was made and nobody kept it: it must not use up IAM's quota of two."""
    grant = grant_of(unique)
    old = new_key(store, grant)
    begun = dataclasses.replace(grant, retiring_key_ids=(old[AWS_ACCESS_KEY_ID],))
    lost, new = made(store.ensure(begun)), made(store.ensure(begun))
    uploads = [upload(minted, key, grant) for key in (old, lost, new)]
    assert uploads == [OK, "InvalidAccessKeyId", OK]


@pytest.mark.parametrize("now", ["Minted", "WorkloadIdentity"])
def test_the_leftover_of_another_kind_of_credentials_goes_alone(
    minted: S3Connection, federated: S3Connection, unique: str, now: str
) -> None:
    grant, iam = grant_of(unique), admin(minted, "iam")
    iam.create_role(RoleName=grant.identity, AssumeRolePolicyDocument=TRUST)
    old = new_key(S3IamStore(minted), grant)
    S3IamStore(minted if now == "Minted" else federated).revoke_leftover(grant.identity)
    role = s3_outcome(iam.get_role, RoleName=grant.identity)
    left = {"role": role, "key": upload(minted, old, grant)}
    minted_left = {"role": "NoSuchEntity", "key": OK}
    assert left == (minted_left if now == "Minted" else {"role": OK, "key": "InvalidAccessKeyId"})


TRUST = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",'
    ' "Principal": {"AWS": "*"}}]}'
)


def spare(grant: DatabaseGrant, unique: str) -> DatabaseGrant:
    role = database_names(f"team-a-{unique}", "models").runtime_spare
    return dataclasses.replace(grant, runtime=Login(role, "not-to-be-seen-2"))


def test_a_new_password_alone_locks_out_the_server_that_runs(
    server: PostgresqlServer, database: DatabaseConnection, team_a: DatabaseGrant
) -> None:
    """The loss: a server opens connections all the time, with the password it was started with."""
    server.ensure(team_a)
    database_admin(database, "ALTER ROLE {} PASSWORD 'new'", team_a.runtime.role)
    assert "authentication failed" in enters(database, team_a.database, team_a.runtime)


def test_two_logins_to_one_database_until_the_old_one_is_revoked(
    server: PostgresqlServer, database: DatabaseConnection, team_a: DatabaseGrant, unique: str
) -> None:
    old, new = team_a, spare(team_a, unique)
    server.ensure(old)
    migrate(database, old)
    for _ in range(3):
        insert = "INSERT INTO runs (name) VALUES ('a')"
        with session(database, old.database, old.runtime) as running:
            server.ensure(new)
            assert enters(database, old.database, old.runtime) == OK
            assert outcome(running, insert) == OK
            with session(database, new.database, new.runtime) as successor:
                assert outcome(successor, insert) == OK
                server.revoke((old.runtime.role,), old.owner)
                assert outcome(running, insert) != OK
                assert outcome(successor, insert) == OK
        assert "authentication failed" in enters(database, old.database, old.runtime)
        old, new = new, old

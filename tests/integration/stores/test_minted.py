"""Minted keys: one user per workspace, limited to its prefix, and no key that nobody holds."""

import dataclasses
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from mooring.contract import AWS_ACCESS_KEY_ID
from mooring_operator.stores.names import identity
from mooring_operator.stores.policies import POLICY_NAME
from mooring_operator.stores.protocol import S3Connection, StoreGrant
from mooring_operator.stores.s3_iam import S3IamStore
from tests.cluster.process import wait_until
from tests.integration.stores.s3_client import OK, admin, client, made, new_key, outcome
from tests.services.versitygw import Versitygw


def grant(unique: str, team: str = "team-a", name: str = "models") -> StoreGrant:
    return StoreGrant(identity(f"{team}-{unique}", name), f"{team}-{unique}/{name}")


def key_ids(connection: S3Connection, user: str) -> list[str]:
    listed = admin(connection, "iam").list_access_keys(UserName=user)["AccessKeyMetadata"]
    return [key["AccessKeyId"] for key in listed]


def reach(connection: S3Connection, key: Mapping[str, str], prefix: str) -> dict[str, str]:
    """What the holder of `key` can do with the objects below `prefix`, where `x` exists."""
    s3, bucket = client(connection, key), connection.bucket
    return {
        "get": outcome(s3.get_object, Bucket=bucket, Key=f"{prefix}/x"),
        "put": outcome(s3.put_object, Bucket=bucket, Key=f"{prefix}/y", Body=b"y"),
        "list": outcome(s3.list_objects_v2, Bucket=bucket, Prefix=f"{prefix}/"),
        "multipart": outcome(s3.create_multipart_upload, Bucket=bucket, Key=f"{prefix}/m"),
        "delete": outcome(s3.delete_object, Bucket=bucket, Key=f"{prefix}/y"),
    }


def test_a_key_reaches_its_own_prefix_and_no_other(
    store: S3IamStore, minted: S3Connection, unique: str
) -> None:
    a, b = grant(unique), grant(unique, "team-b")
    key_of_a, key_of_b = new_key(store, a), new_key(store, b)
    client(minted, key_of_a).put_object(Bucket=minted.bucket, Key=f"{a.prefix}/x", Body=b"a")
    client(minted, key_of_b).put_object(Bucket=minted.bucket, Key=f"{b.prefix}/x", Body=b"b")
    shared = {"AWS_ACCESS_KEY_ID": minted.access_key_id,
              "AWS_SECRET_ACCESS_KEY": minted.secret_access_key}  # fmt: skip
    assert set(reach(minted, shared, a.prefix).values()) == {OK}, "one key for all reads all"

    assert set(reach(minted, key_of_a, a.prefix).values()) == {OK}
    assert set(reach(minted, key_of_b, b.prefix).values()) == {OK}
    assert set(reach(minted, key_of_b, a.prefix).values()) == {"AccessDenied"}
    assert set(reach(minted, key_of_a, b.prefix).values()) == {"AccessDenied"}


def test_a_key_sees_neither_the_bucket_nor_a_sibling(
    store: S3IamStore, minted: S3Connection, unique: str
) -> None:
    one, sibling = grant(unique), grant(unique, name="models2")
    s3 = client(minted, new_key(store, one))
    root = admin(minted)
    root.put_object(Bucket=minted.bucket, Key=f"{sibling.prefix}/x", Body=b"x")
    listed = root.list_objects_v2(Bucket=minted.bucket, Prefix=one.prefix)["Contents"]
    assert [each["Key"] for each in listed] == [f"{sibling.prefix}/x"], "the prefix alone shows it"

    bucket = minted.bucket
    assert outcome(s3.list_objects_v2, Bucket=bucket) == "AccessDenied"
    assert outcome(s3.list_objects_v2, Bucket=bucket, Prefix=one.prefix) == "AccessDenied"
    assert outcome(s3.get_object, Bucket=bucket, Key=f"{sibling.prefix}/x") == "AccessDenied"
    assert outcome(s3.delete_bucket, Bucket=bucket) == "AccessDenied"
    copied = {"Bucket": bucket, "Key": f"{sibling.prefix}/x"}
    assert (
        outcome(s3.copy_object, Bucket=bucket, Key=f"{one.prefix}/stolen", CopySource=copied)
        == "AccessDenied"
    )


def test_a_second_ensure_writes_nothing(
    store: S3IamStore, unique: str, versitygw_service: Versitygw
) -> None:
    wanted = grant(unique)
    before = versitygw_service.iam_file.read_bytes()
    key = new_key(store, wanted)
    written = versitygw_service.iam_file.read_bytes()
    assert written != before

    held = dataclasses.replace(wanted, held_key_id=key[AWS_ACCESS_KEY_ID])
    changed = versitygw_service.iam_file.stat().st_mtime_ns
    assert store.ensure(held).env is None
    store.check()
    assert versitygw_service.iam_file.stat().st_mtime_ns == changed
    assert versitygw_service.iam_file.read_bytes() == written


def test_keys_that_nobody_holds_are_deleted(
    store: S3IamStore, minted: S3Connection, unique: str
) -> None:
    """The operator was stopped twice between making a key and keeping it in the Secret."""
    wanted, iam = grant(unique), admin(minted, "iam")
    lost = [new_key(store, wanted)]
    lost.append(iam.create_access_key(UserName=wanted.identity)["AccessKey"])
    full = outcome(iam.create_access_key, UserName=wanted.identity)
    assert full == "LimitExceeded", "two keys are all that IAM allows"

    key = new_key(store, wanted)

    assert key_ids(minted, wanted.identity) == [key[AWS_ACCESS_KEY_ID]]
    put = client(minted, key).put_object
    assert outcome(put, Bucket=minted.bucket, Key=f"{wanted.prefix}/x") == OK
    put = client(minted, lost[0]).put_object
    assert outcome(put, Bucket=minted.bucket, Key=f"{wanted.prefix}/x") == "InvalidAccessKeyId"


def test_a_stranger_beside_the_held_key_is_deleted(
    store: S3IamStore, minted: S3Connection, unique: str
) -> None:
    wanted = grant(unique)
    held = new_key(store, wanted)[AWS_ACCESS_KEY_ID]
    admin(minted, "iam").create_access_key(UserName=wanted.identity)

    assert store.ensure(dataclasses.replace(wanted, held_key_id=held)).env is None
    assert key_ids(minted, wanted.identity) == [held]


def test_the_old_key_works_until_its_grace_is_over(
    store: S3IamStore, minted: S3Connection, unique: str
) -> None:
    wanted = grant(unique)
    place = {"Bucket": minted.bucket, "Key": f"{wanted.prefix}/x"}
    old = new_key(store, wanted)
    retiring = (old[AWS_ACCESS_KEY_ID],)
    new = new_key(store, dataclasses.replace(wanted, retiring_key_ids=retiring))
    held = dataclasses.replace(wanted, held_key_id=new[AWS_ACCESS_KEY_ID])
    assert store.ensure(dataclasses.replace(held, retiring_key_ids=retiring)).env is None
    for key in (old, new):
        assert outcome(client(minted, key).put_object, **place) == OK

    assert store.ensure(held).env is None

    assert outcome(client(minted, old).put_object, **place) == "InvalidAccessKeyId"
    assert outcome(client(minted, new).put_object, **place) == OK


@pytest.mark.parametrize("harm", ["deleted", "deactivated"])
def test_a_held_key_that_no_longer_works_is_replaced(
    store: S3IamStore, minted: S3Connection, unique: str, harm: str
) -> None:
    wanted, iam = grant(unique), admin(minted, "iam")
    old = new_key(store, wanted)
    name = {"UserName": wanted.identity, "AccessKeyId": old[AWS_ACCESS_KEY_ID]}
    if harm == "deleted":
        iam.delete_access_key(**name)
    else:
        iam.update_access_key(**name, Status="Inactive")
    put = client(minted, old).put_object
    assert outcome(put, Bucket=minted.bucket, Key=f"{wanted.prefix}/x") == "InvalidAccessKeyId"

    key = made(store.ensure(dataclasses.replace(wanted, held_key_id=old[AWS_ACCESS_KEY_ID])))

    put = client(minted, key).put_object
    assert outcome(put, Bucket=minted.bucket, Key=f"{wanted.prefix}/x") == OK
    assert key_ids(minted, wanted.identity) == [key[AWS_ACCESS_KEY_ID]]


@pytest.mark.parametrize("made_before", ["user", "user and policy"])
def test_a_half_made_user_is_finished(
    store: S3IamStore, minted: S3Connection, unique: str, made_before: str
) -> None:
    wanted, iam = grant(unique), admin(minted, "iam")
    iam.create_user(UserName=wanted.identity)
    if made_before == "user and policy":
        new_key(store, wanted)
        iam.delete_access_key(
            UserName=wanted.identity, AccessKeyId=key_ids(minted, wanted.identity)[0]
        )

    put = client(minted, new_key(store, wanted)).put_object
    assert outcome(put, Bucket=minted.bucket, Key=f"{wanted.prefix}/x") == OK


def test_a_policy_that_was_widened_by_hand_is_put_right(
    store: S3IamStore, minted: S3Connection, unique: str
) -> None:
    wanted, other = grant(unique), grant(unique, "team-b")
    key = new_key(store, wanted)
    admin(minted).put_object(Bucket=minted.bucket, Key=f"{other.prefix}/x", Body=b"b")
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    admin(minted, "iam").put_user_policy(
        UserName=wanted.identity,
        PolicyName=POLICY_NAME,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
    )
    assert reach(minted, key, other.prefix)["get"] == OK

    store.ensure(dataclasses.replace(wanted, held_key_id=key[AWS_ACCESS_KEY_ID]))

    assert set(reach(minted, key, other.prefix).values()) == {"AccessDenied"}
    assert reach(minted, key, wanted.prefix)["put"] == OK


def test_revoked_means_refused_and_the_data_stays(
    store: S3IamStore, minted: S3Connection, unique: str
) -> None:
    wanted = grant(unique)
    key = new_key(store, wanted)
    place = {"Bucket": minted.bucket, "Key": f"{wanted.prefix}/x"}
    client(minted, key).put_object(**place, Body=b"kept")
    assert outcome(client(minted, key).get_object, **place) == OK

    store.revoke(wanted.identity)

    assert outcome(client(minted, key).get_object, **place) == "InvalidAccessKeyId"
    assert outcome(admin(minted, "iam").get_user, UserName=wanted.identity) == "NoSuchEntity"
    assert admin(minted).get_object(**place)["Body"].read() == b"kept"
    store.revoke(wanted.identity)

    again = client(minted, new_key(store, wanted))
    assert again.get_object(**place)["Body"].read() == b"kept"


def test_a_deleted_bucket_comes_back(store: S3IamStore, minted: S3Connection, unique: str) -> None:
    wanted = grant(unique)
    key = new_key(store, wanted)
    admin(minted).delete_bucket(Bucket=minted.bucket)
    place = {"Bucket": minted.bucket, "Key": f"{wanted.prefix}/x"}
    assert outcome(client(minted, key).put_object, **place) == "NoSuchBucket"

    def is_back() -> bool:
        # what was seen just now is not looked for again
        store.ensure(dataclasses.replace(wanted, held_key_id=key[AWS_ACCESS_KEY_ID]))
        return outcome(client(minted, key).put_object, **place) == OK

    wait_until(is_back, "the bucket to come back")


def test_many_workspaces_at_once(store: S3IamStore, minted: S3Connection, unique: str) -> None:
    grants = [grant(unique, f"team-{number}") for number in range(16)]
    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(lambda wanted: new_key(store, wanted), grants))

    for wanted, key in zip(grants, keys, strict=True):
        place = {"Bucket": minted.bucket, "Key": f"{wanted.prefix}/x"}
        assert outcome(client(minted, key).put_object, **place) == OK
        assert key_ids(minted, wanted.identity) == [key[AWS_ACCESS_KEY_ID]]

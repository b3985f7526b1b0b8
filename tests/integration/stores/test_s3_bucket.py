"""A bucket that one workspace has for itself: marked as its own, and nobody else's taken over."""

import dataclasses

import pytest

from mooring_operator.stores.aws import apis
from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.names import identity
from mooring_operator.stores.protocol import S3Connection, StoreGrant
from mooring_operator.stores.s3_bucket import OWNER_TAG, S3Bucket
from mooring_operator.stores.s3_data import S3Data
from mooring_operator.stores.s3_iam import S3IamStore
from tests.integration.stores.s3_client import OK, admin, client, new_key, outcome

PREFIX = "team-a/models"
OWNER = identity("team-a", "models")


@pytest.fixture
def own(minted: S3Connection) -> S3Connection:
    """A bucket for one workspace, which is not there yet."""
    return dataclasses.replace(minted, owner=OWNER)


def tags(connection: S3Connection) -> dict[str, str]:
    found = admin(connection).get_bucket_tagging(Bucket=connection.bucket)["TagSet"]
    return {tag["Key"]: tag["Value"] for tag in found}


def refusal(connection: S3Connection) -> StoreError:
    with pytest.raises(StoreError) as raised:
        S3Bucket(connection).ensure()
    assert f"tag it {OWNER_TAG}={OWNER} to hand it over" in raised.value.message
    return raised.value


def test_it_is_made_and_marked_once(own: S3Connection, unique: str) -> None:
    grant = StoreGrant(identity(f"team-a-{unique}", "models"), PREFIX)
    key = new_key(S3IamStore(own), grant)
    S3Bucket(own).ensure()
    assert tags(own) == {OWNER_TAG: OWNER}
    pod = client(own, key)
    put = outcome(pod.put_object, Bucket=own.bucket, Key=f"{PREFIX}/x", Body=b"x")
    assert put == OK
    beside = outcome(pod.put_object, Bucket=own.bucket, Key="team-b/models/x", Body=b"x")
    assert beside == "AccessDenied"
    assert outcome(pod.delete_bucket_tagging, Bucket=own.bucket) == "AccessDenied"


def test_what_has_objects_and_no_mark_is_somebody_elses(own: S3Connection) -> None:
    s3 = admin(own)
    s3.create_bucket(Bucket=own.bucket)
    s3.put_object(Bucket=own.bucket, Key="report.pdf", Body=b"theirs")
    assert refusal(own).reason is Reason.NAME_TAKEN

    handed_over = [{"Key": "cost", "Value": "42"}, {"Key": OWNER_TAG, "Value": OWNER}]
    s3.put_bucket_tagging(Bucket=own.bucket, Tagging={"TagSet": handed_over})
    S3Bucket(own).ensure()
    assert tags(own) == {"cost": "42", OWNER_TAG: OWNER}


def test_what_bears_another_mark_is_neither_used_nor_emptied(own: S3Connection) -> None:
    another = dataclasses.replace(own, owner=identity("team-b", "models"))
    S3Bucket(another).ensure()
    admin(own).put_object(Bucket=own.bucket, Key=f"{PREFIX}/x", Body=b"theirs")
    assert "tagged mooring.dev/workspace=mooring-team-b_models" in refusal(own).message

    with pytest.raises(StoreError) as raised:
        S3Data(own, PREFIX).remove()
    assert raised.value.reason is Reason.NAME_TAKEN
    assert S3Data(another, PREFIX).measure(10).count == 1


def test_an_operator_that_stopped_before_it_marked_the_bucket_goes_on(own: S3Connection) -> None:
    s3 = admin(own)
    s3.create_bucket(Bucket=own.bucket)
    tagged = [{"Key": "cost", "Value": "42"}]
    s3.put_bucket_tagging(Bucket=own.bucket, Tagging={"TagSet": tagged})

    S3Bucket(own).ensure()

    assert tags(own) == {"cost": "42", OWNER_TAG: OWNER}


def test_it_goes_when_it_is_empty_and_stays_with_what_others_put_there(own: S3Connection) -> None:
    s3, data = admin(own), S3Data(own, PREFIX)
    S3Bucket(own).ensure()
    s3.put_object(Bucket=own.bucket, Key=f"{PREFIX}/x", Body=b"x")
    s3.put_object(Bucket=own.bucket, Key="notes.txt", Body=b"a person's")
    while data.remove():
        pass
    kept = s3.list_objects_v2(Bucket=own.bucket)["Contents"]
    assert [each["Key"] for each in kept] == ["notes.txt"]

    s3.delete_object(Bucket=own.bucket, Key="notes.txt")
    assert data.remove() == 0
    assert outcome(s3.head_bucket, Bucket=own.bucket) == "404"
    assert data.remove() == 0, "a second time"


def test_a_bucket_that_all_share_is_neither_marked_nor_removed(minted: S3Connection) -> None:
    S3Bucket(minted).ensure()
    assert S3Data(minted, PREFIX).remove() == 0
    assert outcome(admin(minted).head_bucket, Bucket=minted.bucket) == OK
    assert outcome(admin(minted).get_bucket_tagging, Bucket=minted.bucket) == "NoSuchTagSet"


def test_a_class_that_names_no_bucket_proves_its_key(own: S3Connection) -> None:
    anywhere = dataclasses.replace(own, bucket="", owner=None)
    S3IamStore(anywhere).check()
    wrong = dataclasses.replace(anywhere, secret_access_key="not-to-be-seen")
    with pytest.raises(StoreError) as raised:
        S3Bucket(wrong).check()
    assert raised.value.reason is Reason.WRONG_CREDENTIALS


def test_a_thousand_buckets_share_their_clients(own: S3Connection) -> None:
    other = dataclasses.replace(own, bucket="another", owner="another")
    assert apis(own) is apis(other)

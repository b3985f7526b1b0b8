"""Workload identity: a role per workspace, assumed with a token of its namespaces, and no key.

The IAM service refuses to fetch an issuer on a loopback address, so that a token is exchanged for
credentials is shown by the end-to-end tests; here is what the role says.
"""

import dataclasses
import json
from typing import Any

import pytest

from mooring.contract import AWS_AUDIENCE, AWS_ROLE_ARN
from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.names import identity, subject
from mooring_operator.stores.policies import POLICY_NAME, provider_arn, store_policy
from mooring_operator.stores.protocol import S3Connection, StoreGrant
from mooring_operator.stores.s3_iam import S3IamStore
from tests.integration.stores.s3_client import OK, admin, made, outcome
from tests.services.versitygw import Versitygw


def grant(unique: str, *namespaces: str) -> StoreGrant:
    return StoreGrant(
        identity(f"team-a-{unique}", "models"),
        f"team-a-{unique}/models",
        tuple(subject(namespace) for namespace in namespaces or ("team-a",)),
    )


@pytest.fixture
def issuer(federated: S3Connection, unique: str) -> str:
    """An issuer that the platform team has registered with IAM, under its certificate's hash."""
    url = f"https://issuer-{unique}.example"
    admin(federated, "iam").create_open_id_connect_provider(Url=url, ThumbprintList=["0" * 40])
    return url


@pytest.fixture
def roles(federated: S3Connection, issuer: str) -> S3IamStore:
    return S3IamStore(dataclasses.replace(federated, token_issuer=issuer))


def role(connection: S3Connection, name: str) -> dict[str, Any]:
    found: dict[str, Any] = admin(connection, "iam").get_role(RoleName=name)["Role"]
    return found


def trusted(connection: S3Connection, name: str, issuer: str) -> list[str]:
    (statement,) = role(connection, name)["AssumeRolePolicyDocument"]["Statement"]
    subjects = statement["Condition"]["StringLike"][f"{issuer.removeprefix('https://')}:sub"]
    return list(subjects)


def test_a_role_has_the_policy_and_trusts_its_namespaces(
    roles: S3IamStore, federated: S3Connection, issuer: str, unique: str
) -> None:
    wanted = grant(unique, "team-a", "airflow")
    assert outcome(admin(federated, "iam").get_role, RoleName=wanted.identity) == "NoSuchEntity"

    env = made(roles.ensure(wanted))

    assert env == {AWS_ROLE_ARN: role(federated, wanted.identity)["Arn"]}
    assert trusted(federated, wanted.identity, issuer) == [
        "system:serviceaccount:airflow:*",
        "system:serviceaccount:team-a:*",
    ]
    found = admin(federated, "iam").get_role_policy(
        RoleName=wanted.identity, PolicyName=POLICY_NAME
    )
    assert found["PolicyDocument"] == store_policy(federated.bucket, wanted.prefix)
    assert outcome(admin(federated).head_bucket, Bucket=federated.bucket) == OK
    iam = admin(federated, "iam")
    assert outcome(iam.get_user, UserName=wanted.identity) == "NoSuchEntity", "and no key exists"


def test_the_audience_is_added_to_a_provider_that_lacks_it(
    roles: S3IamStore, federated: S3Connection, issuer: str
) -> None:
    iam = admin(federated, "iam")
    name = {"OpenIDConnectProviderArn": provider_arn("000000000000", issuer)}
    assert iam.get_open_id_connect_provider(**name)["ClientIDList"] == []

    roles.check()

    assert iam.get_open_id_connect_provider(**name)["ClientIDList"] == [AWS_AUDIENCE]


def test_a_second_ensure_writes_nothing(
    roles: S3IamStore, unique: str, versitygw_service: Versitygw
) -> None:
    wanted = grant(unique, "team-a", "airflow")
    first = roles.ensure(wanted)
    written = versitygw_service.iam_file.read_bytes()
    changed = versitygw_service.iam_file.stat().st_mtime_ns

    swapped = dataclasses.replace(wanted, subjects=wanted.subjects[::-1])
    assert roles.ensure(swapped) == first
    roles.check()

    assert versitygw_service.iam_file.stat().st_mtime_ns == changed
    assert versitygw_service.iam_file.read_bytes() == written


def test_a_changed_trust_keeps_the_role(
    roles: S3IamStore, federated: S3Connection, issuer: str, unique: str
) -> None:
    """A role made anew would have another id, and sessions of running pods would end."""
    wanted = grant(unique, "team-a")
    roles.ensure(wanted)
    before = role(federated, wanted.identity)

    roles.ensure(grant(unique, "team-a", "airflow"))
    assert len(trusted(federated, wanted.identity, issuer)) == 2
    assert role(federated, wanted.identity)["RoleId"] == before["RoleId"]

    roles.ensure(wanted)
    assert trusted(federated, wanted.identity, issuer) == ["system:serviceaccount:team-a:*"]


def test_a_policy_that_was_changed_by_hand_is_put_right(
    roles: S3IamStore, federated: S3Connection, unique: str
) -> None:
    wanted, iam = grant(unique), admin(federated, "iam")
    roles.ensure(wanted)
    name = {"RoleName": wanted.identity, "PolicyName": POLICY_NAME}
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [everything]}
    iam.put_role_policy(**name, PolicyDocument=json.dumps(document))

    roles.ensure(wanted)
    right = store_policy(federated.bucket, wanted.prefix)
    assert iam.get_role_policy(**name)["PolicyDocument"] == right

    iam.delete_role_policy(**name)
    roles.ensure(wanted)
    assert iam.get_role_policy(**name)["PolicyDocument"] == right


def test_more_namespaces_than_a_trust_policy_holds(roles: S3IamStore, unique: str) -> None:
    few, many = grant(unique), grant(unique, *(f"namespace-{number:04}" for number in range(100)))
    for _ in ("a new role", "a role that is there"):
        with pytest.raises(StoreError) as raised:
            roles.ensure(many)
        assert raised.value.reason is Reason.TOO_MANY_SUBJECTS
        assert few.identity in raised.value.message
        roles.ensure(few)


def test_revoked_and_again(roles: S3IamStore, federated: S3Connection, unique: str) -> None:
    wanted, iam = grant(unique), admin(federated, "iam")
    roles.ensure(wanted)
    assert outcome(iam.delete_role, RoleName=wanted.identity) == "DeleteConflict"

    roles.revoke(wanted.identity)
    assert outcome(iam.get_role, RoleName=wanted.identity) == "NoSuchEntity"
    roles.revoke(wanted.identity)

    roles.ensure(wanted)
    assert outcome(iam.get_role, RoleName=wanted.identity) == OK


def test_an_issuer_that_iam_cannot_fetch(federated: S3Connection, unique: str) -> None:
    url = f"https://nobody-{unique}.invalid"
    roles = S3IamStore(dataclasses.replace(federated, token_issuer=url))
    for attempt in (roles.check, lambda: roles.ensure(grant(unique))):
        with pytest.raises(StoreError) as raised:
            attempt()
        assert raised.value.reason is Reason.TOKEN_ISSUER_UNREACHABLE
        assert raised.value.transient
        assert url in raised.value.message
        assert "artifactStore.s3.tokenIssuer" in raised.value.message


@pytest.mark.parametrize("url", ["https://kubernetes.default.svc:6443", "http://kubernetes"])
def test_an_issuer_that_iam_does_not_take(federated: S3Connection, url: str) -> None:
    with pytest.raises(StoreError) as raised:
        S3IamStore(dataclasses.replace(federated, token_issuer=url)).check()
    assert raised.value.reason is Reason.INVALID_TOKEN_ISSUER
    assert repr(url) in raised.value.message

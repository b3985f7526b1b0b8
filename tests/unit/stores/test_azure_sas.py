"""Shared access signatures and stored access policies, without a service."""

from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest
from azure.storage.blob import generate_container_sas

from mooring.contract import AWS_ACCESS_KEY_ID, AZURE_CONNECTION_STRING
from mooring_operator.stores.azure_sas import (
    PERMISSION,
    VALIDITY,
    Policy,
    container_sas,
    policies_body,
    policies_of,
)
from mooring_operator.stores.protocol import held_key_id

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
KEY = b"a key that no log may show"


def test_a_sas_names_what_one_of_azures_own_client_names() -> None:
    theirs = generate_container_sas(
        "account", "team-a", account_key="YSBrZXkgdGhhdCBubyBsb2cgbWF5IHNob3c=", policy_id="p",
        protocol="https",
    )  # fmt: skip
    ours = container_sas("account", KEY, "team-a", "p", https_only=True)
    fields = ("spr", "sr", "si")
    assert [parse_qs(ours)[name] for name in fields] == [parse_qs(theirs)[name] for name in fields]
    assert "spr" not in parse_qs(container_sas("account", KEY, "team-a", "p", https_only=False))


def test_policies_survive_the_way_to_the_service_and_back() -> None:
    policies = [Policy("a", "r", NOW), Policy("b", PERMISSION, None), Policy.new(KEY, "c", NOW)]
    assert policies_of(policies_body(policies)) == policies
    assert policies_of(policies_body([])) == []


@pytest.mark.parametrize("body", [b"", b"<html/>", b"\xff", b"{}"])
def test_what_is_no_list_of_policies(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        policies_of(body)


def test_a_moment_with_seven_digits_of_a_second() -> None:
    body = policies_body([Policy("a", "r", NOW)]).replace(b":00Z", b":00.0000000Z")
    assert policies_of(body) == [Policy("a", "r", NOW)]


def test_no_two_policies_share_an_id_and_each_knows_its_key() -> None:
    ids = {Policy.new(KEY, "team-a", NOW).id for _ in range(100)}
    assert len(ids) == 100
    assert max(map(len, ids)) <= 64, "Azure's limit"
    policy = Policy.new(KEY, "team-a", NOW)
    assert policy.signed_with(KEY, "team-a")
    assert not policy.signed_with(b"another key", "team-a")


def test_the_end_of_a_policy_moves_on_twice_a_validity() -> None:
    policy = Policy.new(KEY, "team-a", NOW)
    assert policy.kept_up(NOW + VALIDITY / 3) == policy
    late = NOW + VALIDITY * 2 / 3
    assert policy.kept_up(late).expiry == late + VALIDITY
    assert policy.kept_up(late).id == policy.id


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, None),
        ({AWS_ACCESS_KEY_ID: "AKIA"}, "AKIA"),
        (
            {AZURE_CONNECTION_STRING: "BlobEndpoint=https://a;SharedAccessSignature=sv=1&si=p-1"},
            "p-1",
        ),
        ({AZURE_CONNECTION_STRING: "AccountName=a;AccountKey=b"}, None),
    ],
)
def test_the_id_of_what_is_held(env: dict[str, str], expected: str | None) -> None:
    assert held_key_id(env) == expected

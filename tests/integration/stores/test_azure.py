"""Minted SAS: a container per workspace, and no signature that nobody holds."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.storage.blob import AccessPolicy, PublicAccess
from urllib3 import request

from mooring_operator.stores.azure import AzureBlobStore
from mooring_operator.stores.azure_sas import MAX_POLICIES, VALIDITY
from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.protocol import AzureConnection, StoreGrant
from tests.integration.stores.azure_client import (
    OK,
    admin,
    client,
    id_of,
    made,
    new_sas,
    outcome,
    policy_ids,
    reach,
)
from tests.services.azurite import Azurite

REFUSED = "AuthorizationFailure"


@pytest.fixture
def store(azure: AzureConnection) -> AzureBlobStore:
    return AzureBlobStore(azure)


def grant(unique: str, team: str = "team-a") -> StoreGrant:
    return StoreGrant(f"mooring-{team}-{unique}", "")


def held(wanted: StoreGrant, credential: str, *retiring: str) -> StoreGrant:
    """The grant of a caller that keeps `credential`, and whose pods may use those before it."""
    return dataclasses.replace(
        wanted,
        held_key_id=id_of(credential),
        retiring_key_ids=tuple(id_of(each) for each in retiring),
    )


def acl(connection: AzureConnection, container: str) -> dict[str, Any]:
    found = admin(connection, container).get_container_access_policy()
    return {each.id: each.access_policy for each in found["signed_identifiers"]}


def test_a_sas_reaches_its_own_container_and_no_other(
    store: AzureBlobStore, azure: AzureConnection, azurite_service: Azurite, unique: str
) -> None:
    a, b = grant(unique), grant(unique, "team-b")
    sas_of_a, sas_of_b = new_sas(store, a), new_sas(store, b)
    client(sas_of_a, a.identity).upload_blob("x", b"a")
    client(sas_of_b, b.identity).upload_blob("x", b"b")
    shared = azurite_service.connection_string()
    assert set(reach(shared, a.identity).values()) == {OK}, "the account's key reads all"

    assert set(reach(sas_of_a, a.identity).values()) == {OK}
    assert set(reach(sas_of_b, b.identity).values()) == {OK}
    assert set(reach(sas_of_b, a.identity).values()) == {REFUSED}
    assert set(reach(sas_of_a, b.identity).values()) == {REFUSED}


def test_a_sas_can_neither_delete_its_container_nor_read_who_else_may(
    store: AzureBlobStore, unique: str
) -> None:
    wanted = grant(unique)
    blobs = client(new_sas(store, wanted), wanted.identity)

    assert outcome(blobs.delete_container) != OK
    assert outcome(blobs.get_container_access_policy) != OK
    assert outcome(blobs.set_container_access_policy, {}) != OK
    assert outcome(client(new_sas(store, wanted), f"other-{unique}").create_container) != OK


def test_a_second_ensure_writes_nothing(
    store: AzureBlobStore, azure: AzureConnection, unique: str
) -> None:
    wanted = grant(unique)
    credential = new_sas(store, wanted)
    properties = admin(azure, wanted.identity).get_container_properties
    written = properties()["etag"]
    assert id_of(new_sas(store, wanted)) != id_of(credential)
    assert properties()["etag"] != written, "a write is seen"

    credential = new_sas(store, wanted)
    written = properties()["etag"]
    assert store.ensure(held(wanted, credential)).env is None
    store.check()
    assert properties()["etag"] == written
    assert reach(credential, wanted.identity)["put"] == OK


def test_a_sas_that_nobody_holds_is_refused(
    store: AzureBlobStore, azure: AzureConnection, unique: str
) -> None:
    """The operator was stopped between making a SAS and keeping it in the Secret."""
    wanted = grant(unique)
    lost = new_sas(store, wanted)
    assert reach(lost, wanted.identity)["put"] == OK

    credential = new_sas(store, wanted)

    assert policy_ids(azure, wanted.identity) == [id_of(credential)]
    assert reach(credential, wanted.identity)["put"] == OK
    assert set(reach(lost, wanted.identity).values()) == {REFUSED}


def test_the_old_sas_works_until_its_grace_is_over_and_never_again(
    store: AzureBlobStore, azure: AzureConnection, unique: str
) -> None:
    wanted = grant(unique)
    old = new_sas(store, wanted)
    rotating = dataclasses.replace(wanted, retiring_key_ids=(id_of(old),))
    new = new_sas(store, rotating)
    assert reach(old, wanted.identity)["put"] == OK
    assert reach(new, wanted.identity)["put"] == OK
    assert store.ensure(held(wanted, new, old)).env is None
    assert reach(old, wanted.identity)["put"] == OK

    assert store.ensure(held(wanted, new)).env is None

    assert set(reach(old, wanted.identity).values()) == {REFUSED}
    assert reach(new, wanted.identity)["put"] == OK
    newer = new_sas(store, held(wanted, old))
    assert set(reach(old, wanted.identity).values()) == {REFUSED}, "an id is never made again"
    assert policy_ids(azure, wanted.identity) == [id_of(newer)]


def test_more_rotations_than_azure_has_places_for(store: AzureBlobStore, unique: str) -> None:
    wanted = grant(unique)
    live: list[str] = []
    for _ in range(MAX_POLICIES):
        retiring = tuple(id_of(each) for each in live)
        live.append(new_sas(store, dataclasses.replace(wanted, retiring_key_ids=retiring)))
    retiring = tuple(id_of(each) for each in live)

    with pytest.raises(StoreError) as raised:
        store.ensure(dataclasses.replace(wanted, retiring_key_ids=retiring))

    assert raised.value.reason is Reason.QUOTA_EXCEEDED
    assert wanted.identity in raised.value.message
    assert {reach(each, wanted.identity)["put"] for each in live} == {OK}


def test_a_held_sas_whose_policy_was_deleted_is_replaced(
    store: AzureBlobStore, azure: AzureConnection, unique: str
) -> None:
    wanted = grant(unique)
    old = new_sas(store, wanted)
    admin(azure, wanted.identity).set_container_access_policy({})
    assert reach(old, wanted.identity)["put"] == REFUSED

    new = made(store.ensure(held(wanted, old)))

    assert reach(new, wanted.identity)["put"] == OK
    assert reach(old, wanted.identity)["put"] == REFUSED


def test_a_sas_of_an_account_key_that_was_changed_is_replaced(
    store: AzureBlobStore, azure: AzureConnection, unique: str
) -> None:
    """The policy says by its id which key signed; that of the other key is refused."""
    wanted = grant(unique)
    container = admin(azure, wanted.identity)
    container.create_container()
    entry = AccessPolicy("rwdl", expiry=datetime.now(UTC) + timedelta(days=300))
    container.set_container_access_policy({"00000000-of-an-earlier-key": entry})

    earlier = dataclasses.replace(wanted, held_key_id="00000000-of-an-earlier-key")
    credential = made(store.ensure(earlier))

    assert reach(credential, wanted.identity)["put"] == OK
    assert policy_ids(azure, wanted.identity)[0] == "00000000-of-an-earlier-key", "pods may hold it"


def test_a_sas_of_the_accounts_other_key_is_replaced_and_may_work_on(
    store: AzureBlobStore, azure: AzureConnection, azurite_service: Azurite, unique: str
) -> None:
    """Azure has two keys, so that an account's can be changed without an outage."""
    wanted = grant(unique)
    old = new_sas(store, wanted)
    changed = AzureBlobStore(dataclasses.replace(azure, account_key=azurite_service.second_key))

    found = changed.ensure(held(wanted, old))

    assert found.held_works
    new = made(found)
    assert id_of(new) != id_of(old)
    assert {reach(each, wanted.identity)["put"] for each in (old, new)} == {OK}
    assert not store.ensure(dataclasses.replace(wanted, held_key_id="gone")).held_works


@pytest.mark.parametrize("harm", ["narrowed", "ended", "ends soon"])
def test_a_policy_that_was_changed_by_hand_is_put_right(
    store: AzureBlobStore, azure: AzureConnection, unique: str, harm: str
) -> None:
    wanted = grant(unique)
    credential = new_sas(store, wanted)
    now = datetime.now(UTC)
    entry = {
        "narrowed": AccessPolicy("r", expiry=now + VALIDITY),
        "ended": AccessPolicy("rwdl", expiry=now - timedelta(minutes=1)),
        "ends soon": AccessPolicy("rwdl", expiry=now + timedelta(days=100)),
    }[harm]
    container = admin(azure, wanted.identity)
    container.set_container_access_policy({id_of(credential): entry})
    assert (reach(credential, wanted.identity)["put"] == OK) is (harm == "ends soon")

    assert store.ensure(held(wanted, credential)).env is None, (
        "the same SAS, no pod need start anew"
    )

    assert reach(credential, wanted.identity)["put"] == OK
    expiry = acl(azure, wanted.identity)[id_of(credential)].expiry
    assert datetime.fromisoformat(str(expiry)[:19]).replace(tzinfo=UTC) > now + VALIDITY / 2


def test_a_container_that_was_opened_to_all_is_closed(
    store: AzureBlobStore, azure: AzureConnection, unique: str
) -> None:
    wanted = grant(unique)
    credential = new_sas(store, wanted)
    client(credential, wanted.identity).upload_blob("x", b"x")
    container = admin(azure, wanted.identity)
    identifiers = acl(azure, wanted.identity)
    container.set_container_access_policy(identifiers, public_access=PublicAccess.CONTAINER)
    url = f"{azure.endpoint}/{wanted.identity}/x"
    assert request("GET", url).status == 200, "anybody may read it"

    store.ensure(held(wanted, credential))

    assert request("GET", url).status == 403
    assert reach(credential, wanted.identity)["get"] == OK


def test_revoked_means_refused_and_the_data_stays(
    store: AzureBlobStore, azure: AzureConnection, unique: str
) -> None:
    wanted = grant(unique)
    credential = new_sas(store, wanted)
    client(credential, wanted.identity).upload_blob("x", b"kept")

    store.revoke(wanted.identity)

    assert set(reach(credential, wanted.identity).values()) == {REFUSED}
    assert admin(azure, wanted.identity).download_blob("x").readall() == b"kept"
    store.revoke(wanted.identity)
    store.revoke(f"never-made-{unique}")

    again = new_sas(store, held(wanted, credential))
    assert client(again, wanted.identity).download_blob("x").readall() == b"kept"
    assert reach(credential, wanted.identity)["get"] == REFUSED


def test_a_deleted_container_comes_back(
    store: AzureBlobStore, azure: AzureConnection, unique: str
) -> None:
    wanted = grant(unique)
    old = new_sas(store, wanted)
    admin(azure, wanted.identity).delete_container()
    assert reach(old, wanted.identity)["put"] == REFUSED

    new = made(store.ensure(held(wanted, old)))

    assert reach(new, wanted.identity)["put"] == OK


def test_many_workspaces_at_once(
    store: AzureBlobStore, azure: AzureConnection, unique: str
) -> None:
    grants = [grant(unique, f"team-{number}") for number in range(16)]
    with ThreadPoolExecutor(8) as threads:
        credentials = list(threads.map(lambda wanted: new_sas(store, wanted), grants))

    for wanted, credential in zip(grants, credentials, strict=True):
        assert reach(credential, wanted.identity)["put"] == OK
        assert policy_ids(azure, wanted.identity) == [id_of(credential)]

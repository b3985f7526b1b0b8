"""Classes on Azure Blob Storage and Google Cloud Storage, from the class to what pods get."""

import json
from typing import Any

import pytest

from mooring import contract
from mooring.contract import ROTATE_ANNOTATION
from mooring_operator.api.azure import container_name
from mooring_operator.kube import BINDING, DEPLOYMENT, SECRET, WORKSPACE
from tests.integration.operator.api import Refused
from tests.integration.operator.world import World, decoded, until
from tests.integration.stores.azure_client import OK, client, id_of, outcome
from tests.services.azurite import Azurite
from tests.services.fakegcs import FakeGcs
from tests.services.fixtures import azurite_service, fakegcs_service

__all__ = ["azurite_service", "fakegcs_service"]

REFUSED = "AuthorizationFailure"


@pytest.fixture
def azure_world(world: World, azurite_service: Azurite) -> World:
    """A world whose class keeps artifacts in a storage account."""
    world.admin_secrets()
    world.secret(
        world.platform, "azure-admin", {contract.AZURE_ACCESS_KEY: azurite_service.account_key}
    )
    store = {
        "account": azurite_service.account,
        "endpoint": azurite_service.url,
        "adminSecret": {"name": "azure-admin", "namespace": world.platform},
    }
    world.api.create(with_store(world, {"azure": store}))
    return world


@pytest.fixture
def gcs_world(world: World, fakegcs_service: FakeGcs) -> World:
    """A world whose class keeps artifacts in a bucket of Google Cloud Storage."""
    world.admin_secrets()
    fakegcs_service.make_bucket(f"mlflow-{world.id}")
    key = json.dumps(fakegcs_service.make_key())
    world.secret(world.platform, "google", {contract.GOOGLE_KEY_FILE: key})
    store = {
        "bucket": f"mlflow-{world.id}",
        "endpoint": fakegcs_service.url,
        "keySecret": {"name": "google", "namespace": world.platform},
    }
    world.api.create(with_store(world, {"gcs": store}))
    return world


def with_store(world: World, store: dict[str, Any]) -> dict[str, Any]:
    manifest = world.class_manifest()
    manifest["spec"]["artifactStore"] = store
    return manifest


def put(credential: str, container: str) -> str:
    """`OK` when a pod with `credential` can write to `container`, else why not."""
    return outcome(client(credential, container).upload_blob, "x", b"weights", overwrite=True)


def test_azure_each_team_gets_a_signature_for_its_own_container(azure_world: World) -> None:
    world = azure_world
    world.class_is("True")
    containers, credentials = [], []
    for team in (world.namespace("team-a"), world.namespace("team-b")):
        assert world.published(team, "models") == {}
        world.make_workspace(team)
        world.binding_is(team, "models", "True")
        environment = world.published(team, "models")
        containers.append(container_name(team, "models"))
        credentials.append(environment[contract.AZURE_CONNECTION_STRING])
        root = f"wasbs://{containers[-1]}@devstoreaccount1.blob.core.windows.net"
        assert environment[contract.ARTIFACT_ROOT] == root
        public = world.api.get(BINDING, team, "models")
        assert "SharedAccessSignature" not in json.dumps(public)

    assert [put(c, n) for c, n in zip(credentials, containers, strict=True)] == [OK, OK]
    assert put(credentials[0], containers[1]) == REFUSED
    assert put(credentials[1], containers[0]) == REFUSED


def test_azure_a_converged_workspace_keeps_its_signature(azure_world: World) -> None:
    world, team = azure_world, azure_world.namespace("team")
    world.make_workspace(team)
    world.converge(team)
    before = world.published(team, "models")
    server = world.api.get(DEPLOYMENT, team, "models-mlflow")
    assert server is not None
    assert contract.AZURE_CONNECTION_STRING in json.dumps(server)
    assert before[contract.AZURE_CONNECTION_STRING] not in json.dumps(server)

    annotations = {"metadata": {"annotations": {"look": "again"}}}
    world.api.patch(WORKSPACE, team, "models", annotations)
    world.api.patch(SECRET, team, "models-mlflow-store", annotations)
    world.converge(team)

    assert world.published(team, "models") == before


def test_azure_a_lost_store_secret_is_made_anew_with_another_signature(
    azure_world: World,
) -> None:
    world, team = azure_world, azure_world.namespace("team")
    world.make_workspace(team)
    world.binding_is(team, "models", "True")
    old = world.published(team, "models")[contract.AZURE_CONNECTION_STRING]

    world.api.delete(SECRET, team, "models-mlflow-store")

    def renewed() -> str:
        found = world.published(team, "models").get(contract.AZURE_CONNECTION_STRING, "")
        return found if found and id_of(found) != id_of(old) else ""

    new = until(renewed, "another signature")
    assert put(new, container_name(team, "models")) == OK
    assert put(old, container_name(team, "models")) == REFUSED


def test_azure_a_rotation_leaves_the_old_signature_to_those_who_hold_it(
    azure_world: World,
) -> None:
    world, team = azure_world, azure_world.namespace("team")
    world.make_workspace(team)
    world.converge(team)
    old = world.published(team, "models")[contract.AZURE_CONNECTION_STRING]

    asked = {"metadata": {"annotations": {ROTATE_ANNOTATION: "now"}}}
    world.api.patch(WORKSPACE, team, "models", asked)

    def renewed() -> str:
        found = world.published(team, "models").get(contract.AZURE_CONNECTION_STRING, "")
        return found if found and id_of(found) != id_of(old) else ""

    new = until(renewed, "another signature")
    container = container_name(team, "models")
    assert [put(old, container), put(new, container)] == [OK, OK]


def test_azure_the_end_of_a_workspace_ends_its_signature(
    azure_world: World, azurite_service: Azurite
) -> None:
    world, team = azure_world, azure_world.namespace("team")
    container = container_name(team, "models")
    world.make_workspace(team)
    world.binding_is(team, "models", "True")
    credential = world.published(team, "models")[contract.AZURE_CONNECTION_STRING]
    assert put(credential, container) == OK

    world.api.delete(WORKSPACE, team, "models")

    until(lambda: world.api.get(WORKSPACE, team, "models") is None, "the workspace to be gone")
    assert put(credential, container) == REFUSED
    kept = client(azurite_service.connection_string(), container)
    assert kept.download_blob("x").readall() == b"weights"


@pytest.mark.parametrize(
    ("key", "reason", "said"),
    [
        ("bm90IHRoZSBrZXk=", "WrongCredentials", "does not accept the key"),
        ("written?by?hand", "WrongCredentials", "not base64"),
        ("bm90IHRoZSBrZXk=\n", "InvalidSecret", "white space"),
    ],
)
def test_azure_a_wrong_key_is_told_and_goes_away_by_itself(
    azure_world: World, azurite_service: Azurite, key: str, reason: str, said: str
) -> None:
    world, team = azure_world, azure_world.namespace("team")
    world.secret(world.platform, "azure-admin", {contract.AZURE_ACCESS_KEY: key})
    world.make_workspace(team)

    found = world.workspace_is(team, reason, "ArtifactStoreReady")

    assert said in found["message"]
    assert "artifactStore.azure.adminSecret" in found["message"]
    assert key.strip() not in found["message"]
    right = {contract.AZURE_ACCESS_KEY: azurite_service.account_key}
    world.secret(world.platform, "azure-admin", right)
    world.workspace_is(team, "True", "ArtifactStoreReady")


def test_azure_a_changed_account_key_leaves_running_pods_their_signature(
    azure_world: World, azurite_service: Azurite
) -> None:
    """The platform team goes over to the account's other key, as Azure advises."""
    world, team = azure_world, azure_world.namespace("team")
    world.make_workspace(team)
    world.converge(team)
    old = world.published(team, "models")[contract.AZURE_CONNECTION_STRING]
    other = {contract.AZURE_ACCESS_KEY: azurite_service.second_key}
    world.secret(world.platform, "azure-admin", other)

    def replaced() -> bool:
        found = world.published(team, "models").get(contract.AZURE_CONNECTION_STRING, "")
        return found not in {"", old}

    until(replaced, "another signature")
    world.converge(team)
    container = container_name(team, "models")
    assert put(old, container) == OK, "a pod that trains now holds it"
    assert put(world.published(team, "models")[contract.AZURE_CONNECTION_STRING], container) == OK
    world.edit_class({"rotation": {"grace": "1s"}})

    def refused() -> bool:
        world.converge(team)
        return put(old, container) != OK

    until(refused, "the grace to end")


def test_google_pods_get_the_key_as_a_file(gcs_world: World) -> None:
    world, team = gcs_world, gcs_world.namespace("team")
    world.class_is("True")
    world.make_workspace(team)
    world.converge(team)

    environment = world.published(team, "models")
    assert environment[contract.ARTIFACT_ROOT] == f"gs://mlflow-{world.id}/{team}/models"
    assert environment[contract.GOOGLE_CREDENTIALS] == contract.GOOGLE_KEY_PATH
    binding = world.api.get(BINDING, team, "models")
    assert binding is not None
    assert "PRIVATE KEY" not in json.dumps(binding)
    [volume] = binding["status"]["pod"]["volumes"]
    [source] = volume["projected"]["sources"]
    assert source["secret"]["items"] == [
        {"key": contract.GOOGLE_KEY_FILE, "path": contract.GOOGLE_KEY_FILE}
    ]
    mounted = decoded(world.api.get(SECRET, team, source["secret"]["name"]))
    given = decoded(world.api.get(SECRET, world.platform, "google"))
    assert mounted[contract.GOOGLE_KEY_FILE] == given[contract.GOOGLE_KEY_FILE]


@pytest.mark.parametrize(
    ("values", "reason", "said"),
    [
        ({"key.json": "{}"}, "InvalidSecret", "it must have google.json"),
        ({contract.GOOGLE_KEY_FILE: "{"}, "WrongCredentials", "is not JSON"),
        ({contract.GOOGLE_KEY_FILE: "{}"}, "WrongCredentials", "has type None"),
    ],
)
def test_google_a_key_that_mlflow_would_silently_go_without(
    gcs_world: World, values: dict[str, str], reason: str, said: str
) -> None:
    world, team = gcs_world, gcs_world.namespace("team")
    right = decoded(world.api.get(SECRET, world.platform, "google"))
    world.secret(world.platform, "google", values)
    world.make_workspace(team)

    found = world.workspace_is(team, reason, "ArtifactStoreReady")

    assert said in found["message"]
    assert "artifactStore.gcs.keySecret" in found["message"]
    assert world.published(team, "models") == {}
    world.secret(world.platform, "google", right)
    world.workspace_is(team, "True", "ArtifactStoreReady")


AZURE = {"account": "account", "adminSecret": {"name": "a", "namespace": "b"}}
GCS = {"bucket": "bucket", "keySecret": {"name": "a", "namespace": "b"}}


@pytest.mark.parametrize(
    ("store", "said"),
    [
        ({"azure": AZURE, "gcs": GCS}, "exactly one"),
        ({"azure": AZURE | {"account": "My-Account"}}, "3 to 24 characters"),
        ({"azure": AZURE | {"endpoint": "account.blob.core.windows.net"}}, "http:// or https://"),
        ({"azure": AZURE | {"endpoint": "https://a.blob.core.windows.net/"}}, "trailing slash"),
        ({"gcs": GCS | {"bucket": "gs://bucket"}}, "3 to 222 characters"),
        ({"gcs": GCS | {"prefix": "{name}"}}, "prefix must contain {namespace}/{name}"),
        ({"gcs": GCS | {"endpoint": "http://gcs:4443/"}}, "without a path"),
        ({"gcs": {"bucket": "bucket"}}, "keySecret"),
    ],
)
def test_a_class_that_cannot_be(world: World, store: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said.replace("{", r"\{")):
        world.api.create(with_store(world, store))

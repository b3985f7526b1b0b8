"""A store whose certificate comes from an authority of the platform team's own."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from mooring import contract
from mooring_operator.kube import BINDING, DEPLOYMENT, SECRET
from tests.integration.operator import outside
from tests.integration.operator.api import Api
from tests.integration.operator.process import Operator
from tests.integration.operator.world import World, decoded, until
from tests.integration.stores.s3_client import OK
from tests.services.postgresql import Postgresql
from tests.services.tls import issue
from tests.services.versitygw import Versitygw, versitygw


@dataclass(frozen=True)
class TlsStore:
    """A store over TLS, and the authority that vouches for it."""

    service: Versitygw
    ca: str


@pytest.fixture(scope="module")
def tls_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsStore]:
    issued = issue(tmp_path_factory.mktemp("tls"), "127.0.0.1")
    with versitygw(issued.files) as service:
        yield TlsStore(service, issued.ca)


@pytest.fixture
def tls_world(
    api: Api, operator: Operator, postgresql_service: Postgresql, tls_store: TlsStore
) -> Iterator[World]:
    assert operator.alive()
    with closing(World(api, postgresql_service, tls_store.service)) as made:
        made.make_class()
        yield made


def bundle(world: World, pem: str, key: str = "ca.crt") -> None:
    """Have the ConfigMap `ca` of the platform team hold `pem`, and the class name it."""
    world.config_map(world.platform, "ca", {key: pem})
    world.edit_s3(caBundle={"name": "ca", "namespace": world.platform})


def files(world: World, namespace: str, binding: str) -> dict[str, str]:
    return decoded(world.api.get(SECRET, namespace, contract.files_name(binding)))


def test_pods_and_server_get_the_authorities(
    tls_world: World, tls_store: TlsStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, team = tls_world, tls_world.namespace("team")
    world.make_workspace(team)
    refused = world.workspace_is(team, "TlsRefused", "ArtifactStoreReady")
    assert "artifactStore.s3.caBundle" in refused["message"]

    bundle(world, tls_store.ca)
    world.converge(team)

    environment = world.published(team, "models")
    assert environment[contract.AWS_CA_BUNDLE] == contract.CA_PATH
    assert files(world, team, "models") == {contract.CA_FILE: tls_store.ca}
    live = world.api.get(BINDING, team, "models")
    assert live is not None
    [source] = live["status"]["pod"]["volumes"][0]["projected"]["sources"]
    assert source["secret"]["name"] == "models-mlflow-files"
    assert live["status"]["pod"]["volumeMounts"][0]["mountPath"] == contract.MOUNT_PATH
    server = world.api.get(DEPLOYMENT, team, "models-mlflow")
    assert server is not None
    volumes = server["spec"]["template"]["spec"]["volumes"]
    [own] = [v for v in volumes if v["name"] == contract.VOLUME_NAME]
    assert own["projected"]["sources"][0]["secret"]["name"] == "models-mlflow-store"
    # as in a pod, whose variable names the mounted file
    mounted = tmp_path / contract.CA_FILE
    mounted.write_text(files(world, team, "models")[contract.CA_FILE])
    monkeypatch.setenv(contract.AWS_CA_BUNDLE, str(mounted))
    assert outside.put(world, environment, f"{team}/models") == OK


def test_authorities_that_change_reach_pods_and_are_taken_back(
    tls_world: World, tls_store: TlsStore
) -> None:
    world, team = tls_world, tls_world.namespace("team")
    bundle(world, tls_store.ca)
    world.make_workspace(team)
    world.converge(team)
    before = world.published(team, "models")[contract.GENERATION]
    both = tls_store.ca + trustme.CA().cert_pem.bytes().decode()

    bundle(world, both)

    until(lambda: files(world, team, "models") == {contract.CA_FILE: both}, "the new authorities")
    until(lambda: world.published(team, "models")[contract.GENERATION] != before, "a new digest")


@pytest.mark.parametrize(
    ("spoil", "reason", "told"),
    [
        (lambda world, ca: bundle(world, ca, "tls.crt"), "InvalidCaBundle", "no key 'ca.crt'"),
        (lambda world, _: bundle(world, ""), "InvalidCaBundle", "it is empty"),
        (lambda world, _: bundle(world, "LS0tLS1CRUdJTg=="), "InvalidCaBundle", "encoded twice"),
        (
            lambda world, ca: bundle(world, f"{ca}\n-----BEGIN PRIVATE KEY-----\n"),
            "InvalidCaBundle",
            "there is a private key in it",
        ),
        (
            lambda world, _: world.edit_s3(caBundle={"name": "no", "namespace": world.platform}),
            "ConfigMapNotFound",
            "does not exist; create it",
        ),
    ],
    ids=["misnamed", "empty", "base64 twice", "with a key", "missing"],
)
def test_authorities_that_are_none_are_told(
    tls_world: World,
    tls_store: TlsStore,
    spoil: Callable[[World, str], None],
    reason: str,
    told: str,
) -> None:
    spoil(tls_world, tls_store.ca)
    found = tls_world.class_is(reason)
    assert told in found["message"]
    assert "spec.artifactStore.s3.caBundle" in found["message"]

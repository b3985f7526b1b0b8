"""Guard and canary on Azure Blob Storage and Google Cloud Storage, with what pods are handed.

The tracking server and MLflow's clients are real; the stores are Azurite and fake-gcs-server.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from uuid import uuid4

import pytest

from mooring import contract
from mooring.guard.reasons import exit_code_of
from mooring_operator.api.artifactstore import ArtifactStore
from mooring_operator.api.azure import AzureStore, container_name
from mooring_operator.api.base import SecretRef
from mooring_operator.api.gcs import GcsStore
from mooring_operator.plan.artifactstore import store_client
from mooring_operator.plan.connection import StoreClient
from mooring_operator.plan.metadata import Owner
from mooring_operator.stores import azure, gcs
from mooring_operator.stores.protocol import AzureConnection, GcsConnection, StoreGrant
from tests.integration.airflow.world import BINDING, WORKSPACE, run_as_pod, server_command
from tests.services.azurite import Azurite
from tests.services.fakegcs import FakeGcs
from tests.services.fixtures import azurite_service, fakegcs_service
from tests.services.process import answers, folder, free_port, service

__all__ = ["azurite_service", "fakegcs_service"]

SECRET = SecretRef(namespace="platform", name="admin")
OWNER = Owner("MlflowWorkspace", "team-a", "team-a", "uid")


@dataclasses.dataclass(frozen=True, slots=True)
class Pods:
    """The pods of a binding: what they are given, the store's part of it mounted in `mounts`."""

    environment: Mapping[str, str] = dataclasses.field(repr=False)
    mounts: Path

    def mooring(self, command: str, **env: str | None) -> "CompletedProcess[str]":
        """Run `mooring <command>` as a bound pod would."""
        program = "from mooring.main import main; main()"
        return run_as_pod({**self.environment}, program, command, env=env)


@contextmanager
def served(store: StoreClient) -> Iterator[Pods]:
    """Run a tracking server of a workspace with `store`, and give what its pods have."""
    with folder() as home:
        for name, content in store.files.items():
            (home / name).write_text(content)
        here = {
            name: value.replace(contract.MOUNT_PATH, str(home))
            for name, value in store.environment.items()
        }
        port = free_port()
        common = {"MLFLOW_DISABLE_TELEMETRY": "true", **here}
        server = {
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_SERVER_ALLOWED_HOSTS": f"127.0.0.1:{port}",
        }
        pods = {
            contract.HTTP_MAX_RETRIES: "1",
            contract.TRACKING_URI: f"http://127.0.0.1:{port}",
            contract.EXPERIMENT_NAME: BINDING,
            contract.WORKSPACE: WORKSPACE,
            contract.BINDING: BINDING,
            contract.ARTIFACT_ROOT: store.root,
        }
        with service(
            server_command(home, port, store.root),
            env={**common, **server},
            log=home / "server.log",
            ready=lambda: answers(port),
        ):
            yield Pods({**common, **pods}, home)


def azure_store(service: Azurite) -> azure.AzureBlobStore:
    return azure.AzureBlobStore(AzureConnection(service.account, service.url, service.account_key))


@pytest.fixture(scope="module")
def azure_pods(azurite_service: Azurite) -> Iterator[Pods]:
    """Pods of a workspace in a storage account."""
    model = AzureStore(
        account=azurite_service.account, endpoint=azurite_service.url, admin_secret=SECRET
    )
    grant = StoreGrant(container_name(OWNER.namespace, OWNER.name), "")
    made = azure_store(azurite_service).ensure(grant)
    with served(store_client(ArtifactStore(azure=model), OWNER, made.env or {})) as pods:
        yield pods


@pytest.fixture(scope="module")
def gcs_pods(fakegcs_service: FakeGcs) -> Iterator[Pods]:
    """Pods of a workspace in a bucket of Google Cloud Storage."""
    bucket = f"mlflow-{uuid4().hex[:8]}"
    fakegcs_service.make_bucket(bucket)
    key = json.dumps(fakegcs_service.make_key())
    model = GcsStore(bucket=bucket, endpoint=fakegcs_service.url, key_secret=SECRET)
    store = gcs.GcsBucketStore(GcsConnection(fakegcs_service.url, bucket, key))
    made = store.ensure(StoreGrant("mooring-team-a_team-a", "team-a/team-a"))
    with served(store_client(ArtifactStore(gcs=model), OWNER, dict(made.files))) as pods:
        yield pods


@pytest.fixture(params=["azure", "gcs"])
def pods(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"{request.param}_pods")


def said(done: "CompletedProcess[str]") -> str:
    told = done.stderr.strip().splitlines()[-1]
    assert done.returncode == exit_code_of(told.partition(":")[0]), done.stdout
    return told


def test_the_guard_lets_a_pod_start(pods: Pods) -> None:
    done = pods.mooring("guard")
    assert done.returncode == 0, done.stderr


def test_the_canary_makes_the_round_trip(pods: Pods) -> None:
    done = pods.mooring("canary")
    assert done.returncode == 0, done.stderr


def test_azure_the_guard_refuses_the_signature_of_another_container(
    azure_pods: Pods, azurite_service: Azurite
) -> None:
    foreign = azure_store(azurite_service).ensure(StoreGrant(f"foreign-{uuid4().hex[:8]}", ""))
    assert foreign.env is not None

    found = said(azure_pods.mooring("guard", **foreign.env))

    assert found.startswith("CredentialsUnknown: ")
    assert container_name(OWNER.namespace, OWNER.name) in found
    assert "sig=" not in found


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "NoCredentials"),
        ("AccountName=a;AccountKey=bm90IHRvIGJlIHNlZW4=", "CredentialsInvalid"),
        ("BlobEndpoint=http://127.0.0.1:9/a;SharedAccessSignature=sig=x\n", "CredentialsInvalid"),
    ],
)
def test_azure_the_guard_says_what_is_wrong_with_a_connection_string(
    azure_pods: Pods, value: str | None, reason: str
) -> None:
    found = said(azure_pods.mooring("guard", **{contract.AZURE_CONNECTION_STRING: value}))
    assert found.startswith(f"{reason}: ")
    assert "bm90IHRvIGJlIHNlZW4=" not in found


@pytest.mark.parametrize(("text", "reason"), [(None, "CredentialsInvalid"),
                                              ("{", "CredentialsInvalid"),
                                              ("{}", "CredentialsInvalid")])  # fmt: skip
def test_gcs_the_guard_refuses_a_key_file_that_mlflow_would_go_without(
    gcs_pods: Pods, text: str | None, reason: str
) -> None:
    with folder() as mounts:
        file = mounts / "key.json"
        if text is not None:
            file.write_text(text)
        found = said(gcs_pods.mooring("guard", **{contract.GOOGLE_CREDENTIALS: str(file)}))
    assert found.startswith(f"{reason}: ")
    assert contract.GOOGLE_CREDENTIALS in found


def test_gcs_the_guard_refuses_without_a_key_file(gcs_pods: Pods) -> None:
    found = said(gcs_pods.mooring("guard", **{contract.GOOGLE_CREDENTIALS: None}))
    assert found.startswith("NoCredentials: ")


def test_gcs_the_guard_refuses_a_key_that_was_deleted(
    gcs_pods: Pods, fakegcs_service: FakeGcs
) -> None:
    key = fakegcs_service.make_key()
    fakegcs_service.delete_key(key)
    with folder() as mounts:
        (mounts / "key.json").write_text(json.dumps(key))
        name = contract.GOOGLE_CREDENTIALS
        found = said(gcs_pods.mooring("guard", **{name: str(mounts / "key.json")}))
    assert found.startswith("CredentialsUnknown: ")
    assert key["client_email"] in found

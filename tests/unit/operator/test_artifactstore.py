"""What pods and servers get, for each kind of artifact store."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from mooring import contract
from mooring_operator.api.artifactstore import ArtifactStore
from mooring_operator.api.backendstore import BackendStore
from mooring_operator.api.binding import BindingSpec, WorkspaceRef
from mooring_operator.api.image import ContainerImage
from mooring_operator.api.server import ServerDefaults, ServerSpec
from mooring_operator.api.workspace import WorkspaceSpec
from mooring_operator.api.workspaceclass import WorkspaceClassSpec
from mooring_operator.plan.artifactstore import store_client
from mooring_operator.plan.binding import decoded, pod_fragment, published_objects
from mooring_operator.plan.connection import PROXIED, Connection, ServerClient, pod_environment
from mooring_operator.plan.database import DatabaseClient, secret_of_one_uri
from mooring_operator.plan.metadata import Owner
from mooring_operator.plan.server import ServerPlan, server_objects
from mooring_operator.plan.sizing import size
from mooring_operator.plan.volume import SQLITE_URI
from mooring_operator.reconcile.loading import access_of

WORKSPACE = Owner("MlflowWorkspace", "team-a", "models", "1")
DATABASE = DatabaseClient("1")
SPEC = BindingSpec(workspace_ref=WorkspaceRef(name="models"))
BINDING = Owner("MlflowBinding", "team-a", "models", "2")
ROLE = {contract.AWS_ROLE_ARN: "arn:aws:iam::1:role/r"}
KEY = {contract.AWS_ACCESS_KEY_ID: "AKIA", contract.AWS_SECRET_ACCESS_KEY: "very-secret"}


def s3(**fields: Any) -> ArtifactStore:
    admin = {"name": "admin", "namespace": "platform"}
    return ArtifactStore.model_validate(
        {"s3": {"bucket": "mlflow", "adminSecret": admin, **fields}}
    )


def test_s3_with_a_role_mounts_its_token() -> None:
    store = s3(endpoint="http://s3:7070", sts={"endpoint": "http://sts:7071"})
    client = store_client(store, WORKSPACE, ROLE)
    assert client.root == "s3://mlflow/team-a/models"
    assert client.token_audience == contract.AWS_AUDIENCE
    assert client.environment == {
        **ROLE,
        contract.AWS_REGION: "us-east-1",
        contract.S3_ENDPOINT_URL: "http://s3:7070",
        contract.AWS_STS_ENDPOINT: "http://sts:7071",
        contract.AWS_TOKEN_FILE: contract.TOKEN_PATH,
    }


def test_s3_with_a_key_mounts_nothing_and_keeps_the_key_in_the_secret() -> None:
    client = store_client(s3(sts={"endpoint": "http://sts:7071"}), WORKSPACE, KEY)
    assert client.token_audience is None
    assert contract.AWS_STS_ENDPOINT not in client.environment
    assert "very-secret" not in repr(client)
    connection = Connection(WORKSPACE, client)
    public, secret = published_objects(BINDING, SPEC, connection)
    assert not public["data"].keys() & KEY.keys()
    assert secret["data"].keys() == KEY.keys()
    guard = ContainerImage(image="mooring/runtime:1")
    assert pod_fragment(BINDING, connection, guard)["volumes"] == []


@pytest.mark.parametrize(
    ("encryption", "told"),
    [
        ({"type": "AES256"}, {"ServerSideEncryption": "AES256"}),
        ({"type": "KMS"}, {"ServerSideEncryption": "aws:kms"}),
        (
            {"type": "KMS", "kmsKeyId": "arn:k"},
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "arn:k"},
        ),
    ],
)
def test_the_client_is_told_how_to_encrypt(
    encryption: dict[str, str], told: dict[str, str]
) -> None:
    client = store_client(s3(encryption=encryption), WORKSPACE, KEY)
    assert json.loads(client.environment[contract.S3_UPLOAD_ARGUMENTS]) == told
    plain = store_client(s3(), WORKSPACE, KEY)
    assert contract.S3_UPLOAD_ARGUMENTS not in plain.environment


def test_files_are_mounted_and_change_the_digest() -> None:
    plain = Connection(WORKSPACE, store_client(s3(), WORKSPACE, KEY))
    client = store_client(s3(), WORKSPACE, {**KEY, contract.CA_FILE: "PEM"})
    connection = Connection(WORKSPACE, client)
    assert client.environment[contract.AWS_CA_BUNDLE] == contract.CA_PATH
    assert contract.CA_FILE not in client.environment
    _, _, files = published_objects(BINDING, SPEC, connection)
    assert files["metadata"]["name"] == "models-mlflow-files"
    assert decoded(files) == {contract.CA_FILE: "PEM"}
    other = Connection(WORKSPACE, replace(client, files={contract.CA_FILE: "another"}))
    generations = {
        pod_environment(each, "models")[contract.GENERATION] for each in (plain, connection, other)
    }
    assert len(generations) == 3
    fragment = pod_fragment(BINDING, connection, ContainerImage(image="mooring/runtime:1"))
    [source] = fragment["volumes"][0]["projected"]["sources"]
    assert source["secret"]["items"] == [{"key": "ca.crt", "path": "ca.crt"}]
    assert fragment["initContainers"][0]["volumeMounts"] == fragment["volumeMounts"]


def test_with_proxied_access_only_the_server_holds_what_the_store_gave() -> None:
    held = {**KEY, contract.CA_FILE: "PEM"}
    client = store_client(s3(endpoint="http://s3:7070"), WORKSPACE, held)
    connection = Connection(WORKSPACE, client, "Proxied")
    environment = pod_environment(connection, "models")
    assert not environment.keys() & client.environment.keys()
    assert environment[contract.ARTIFACT_ROOT] == "mlflow-artifacts:/"
    assert environment[contract.PROXY_MULTIPART_DOWNLOAD] == "false"
    fragment = pod_fragment(BINDING, connection, ContainerImage(image="mooring/runtime:1"))
    assert (fragment["volumes"], fragment["volumeMounts"]) == ([], [])
    _, secret = published_objects(BINDING, SPEC, connection)
    assert secret["data"] == {}

    defaults = ServerDefaults(image="mooring/server:1")
    plan = ServerPlan(defaults, size(defaults, ServerSpec()))
    [*_, deployment] = server_objects(connection, plan, DATABASE)
    pod = deployment["spec"]["template"]["spec"]
    given = {entry["name"]: entry.get("value", "") for entry in pod["containers"][0]["env"]}
    assert given.keys() >= client.environment.keys()
    assert given["MLFLOW_SERVE_ARTIFACTS"] == "true"
    assert given["MLFLOW_ARTIFACTS_DESTINATION"] == "s3://mlflow/team-a/models"
    assert given["MLFLOW_DEFAULT_ARTIFACT_ROOT"] == "mlflow-artifacts:/"
    assert contract.VOLUME_NAME in {volume["name"] for volume in pod["volumes"]}


def test_nobody_can_guess_the_login_of_an_external_server_by_a_digest() -> None:
    def published(password: str, revision: str = "1") -> dict[str, str]:
        login = {contract.TRACKING_USERNAME: "a", contract.TRACKING_PASSWORD: password}
        server = ServerClient("https://mlflow", {}, login, revision)
        return pod_environment(Connection(WORKSPACE, PROXIED, "Proxied", server), "models")

    first, second = published("hunter2"), published("hunter3")
    assert first[contract.TRACKING_PASSWORD] != second[contract.TRACKING_PASSWORD]
    assert first[contract.GENERATION] == second[contract.GENERATION]
    assert first[contract.GENERATION] != published("hunter2", "2")[contract.GENERATION]


def test_a_class_without_stores_keeps_all_on_a_volume_that_only_the_server_mounts() -> None:
    images = {"server": {"image": "mooring/server:1"}, "guard": {"image": "mooring/runtime:1"}}
    spec = WorkspaceClassSpec.model_validate(images)
    client = store_client(spec.artifact_store, WORKSPACE, {})
    connection = Connection(WORKSPACE, client, access_of(WorkspaceSpec(), client))
    assert connection.artifact_root == "mlflow-artifacts:/"
    assert pod_fragment(BINDING, connection, spec.guard)["volumes"] == []

    plan = ServerPlan(spec.server, size(spec.server, ServerSpec()), migrates=True)
    [*_, deployment] = server_objects(connection, plan, DATABASE)
    pod = deployment["spec"]["template"]["spec"]
    [migration], [server] = pod["initContainers"], pod["containers"]
    mount = {"name": "data", "mountPath": "/var/lib/mooring"}
    assert mount in migration["volumeMounts"]
    assert mount in server["volumeMounts"]
    given = {entry["name"]: entry.get("value", "") for entry in server["env"]}
    assert given["MLFLOW_ARTIFACTS_DESTINATION"] == "/var/lib/mooring/artifacts"
    assert (
        decoded(secret_of_one_uri(WORKSPACE, SQLITE_URI))["runtime-uri"]
        == "sqlite:////var/lib/mooring/mlflow.db"
    )


@pytest.mark.parametrize("model", [ArtifactStore, BackendStore])
def test_a_store_of_another_release_is_told(model: type[ArtifactStore | BackendStore]) -> None:
    with pytest.raises(ValidationError, match="set exactly one of what this release knows"):
        model.model_validate({"tape": {}})

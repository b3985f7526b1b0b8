"""What a client of an artifact store needs, from the class's store and what the store answered.

One function for each kind of store.
"""

import json
from collections.abc import Mapping

from mooring import contract
from mooring_operator.api.artifactstore import ArtifactStore, VolumeStore, artifact_prefix
from mooring_operator.api.azure import AzureStore, container_name
from mooring_operator.api.external import ExternalArtifacts
from mooring_operator.api.gcs import GcsStore
from mooring_operator.api.s3 import Encryption, ExistingArtifacts, S3Store, bucket_of
from mooring_operator.plan.connection import PROXIED, StoreClient
from mooring_operator.plan.metadata import Owner
from mooring_operator.plan.volume import ARTIFACTS_PATH, DATA


def store_client(store: ArtifactStore, workspace: Owner, held: Mapping[str, str]) -> StoreClient:
    """How the pods and the server of `workspace` reach its part of the store.

    `held` is what the store answered when it was told of the workspace: variables by contract
    names, and files.
    """
    files = {key: value for key, value in held.items() if is_file(key)}
    variables = {key: value for key, value in held.items() if not is_file(key)}
    match store.chosen:
        case S3Store() as s3:
            return _s3(s3, workspace, variables, files)
        case AzureStore() as azure:
            return _azure(azure, workspace, variables)
        case GcsStore() as gcs:
            return _gcs(gcs, workspace, files)
        case ExistingArtifacts() as existing:
            ca = {contract.AWS_CA_BUNDLE: contract.CA_PATH} if files else {}
            return StoreClient(existing.uri, {**variables, **ca}, files=files)
        case ExternalArtifacts():
            return PROXIED
        case VolumeStore():
            return StoreClient(ARTIFACTS_PATH, {}, claim=workspace.child_name_for(DATA))


def is_file(key: str) -> bool:
    """Whether a key of what a store answered names a file: no variable's name has a dot."""
    return "." in key


def _s3(
    s3: S3Store, workspace: Owner, held: Mapping[str, str], files: dict[str, str]
) -> StoreClient:
    environment = {contract.AWS_REGION: s3.region, **held}
    if contract.CA_FILE in files:
        environment[contract.AWS_CA_BUNDLE] = contract.CA_PATH
    if s3.endpoint:
        environment[contract.S3_ENDPOINT_URL] = s3.endpoint
    if s3.encryption:
        environment[contract.S3_UPLOAD_ARGUMENTS] = json.dumps(_upload_arguments(s3.encryption))
    keyless = contract.AWS_ROLE_ARN in held
    if keyless:
        environment[contract.AWS_TOKEN_FILE] = contract.TOKEN_PATH
        if s3.sts:
            environment[contract.AWS_STS_ENDPOINT] = s3.sts.endpoint
    owner = workspace.namespace, workspace.name
    return StoreClient(
        root=f"s3://{bucket_of(s3, *owner)}/{artifact_prefix(s3, *owner)}",
        environment=environment,
        token_audience=contract.AWS_AUDIENCE if keyless else None,
        files=files,
    )


def _upload_arguments(encryption: Encryption) -> dict[str, str]:
    """What MLflow gives to boto3 with each upload.

    https://boto3.amazonaws.com/v1/documentation/api/latest/guide/s3-uploading-files.html
    """
    if encryption.type == "AES256":
        return {"ServerSideEncryption": "AES256"}
    key = {"SSEKMSKeyId": encryption.kms_key_id} if encryption.kms_key_id else {}
    return {"ServerSideEncryption": "aws:kms", **key}


def _azure(azure: AzureStore, workspace: Owner, held: Mapping[str, str]) -> StoreClient:
    container = container_name(workspace.namespace, workspace.name)
    # MLflow takes no other host here; the connection string says where the account really is
    root = f"wasbs://{container}@{azure.account}.blob.core.windows.net"
    return StoreClient(root=root, environment=dict(held))


def _gcs(gcs: GcsStore, workspace: Owner, files: dict[str, str]) -> StoreClient:
    environment = {contract.GOOGLE_CREDENTIALS: contract.GOOGLE_KEY_PATH}
    if gcs.endpoint:
        environment[contract.GOOGLE_ENDPOINT] = gcs.endpoint
    root = f"gs://{gcs.bucket}/{artifact_prefix(gcs, workspace.namespace, workspace.name)}"
    return StoreClient(root=root, environment=environment, files=files)

"""The connection: what a process needs to log to a workspace, as environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from mooring import contract
from mooring_operator.api.workspaceclass import S3Store, artifact_prefix
from mooring_operator.plan.metadata import Owner, digest

PORT: Final = 5000
HTTP_MAX_RETRIES: Final = 5
"""Rides over a server restart of about a minute (MLflow's default of 7 waits 250 s)."""

CLIENT_DEFAULTS: Final = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    contract.HTTP_MAX_RETRIES: str(HTTP_MAX_RETRIES),
}


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach one workspace; `credentials` is the store's answer, by contract names."""

    workspace: Owner
    s3: S3Store
    credentials: Mapping[str, str] = field(repr=False)

    @property
    def tracking_uri(self) -> str:
        """Where the tracking server answers, from any namespace."""
        return f"http://{self.workspace.child_name}.{self.workspace.namespace}.svc:{PORT}"

    @property
    def artifact_root(self) -> str:
        """The URI under which every artifact of the workspace lies."""
        return artifact_root(self.s3, self.workspace.namespace, self.workspace.name)

    @property
    def keyless(self) -> bool:
        """Whether pods assume a role with their token instead of holding a key."""
        return contract.AWS_ROLE_ARN in self.credentials


def artifact_root(s3: S3Store, namespace: str, name: str) -> str:
    """The URI under which every artifact of a workspace lies."""
    return f"s3://{s3.bucket}/{artifact_prefix(s3, namespace, name)}"


def store_environment(connection: Connection) -> dict[str, str]:
    """What the S3 client of a pod or of the server reads, keys included."""
    s3 = connection.s3
    environment = {contract.AWS_REGION: s3.region, **connection.credentials}
    if s3.endpoint:
        environment[contract.S3_ENDPOINT_URL] = s3.endpoint
    if connection.keyless:
        environment[contract.AWS_TOKEN_FILE] = contract.TOKEN_PATH
        if s3.sts:
            environment[contract.AWS_STS_ENDPOINT] = s3.sts.endpoint
    return environment


def pod_environment(connection: Connection, binding: str) -> dict[str, str]:
    """Everything that the pods of a binding are given; `GENERATION` stands for the rest."""
    workspace = connection.workspace
    environment = {
        **CLIENT_DEFAULTS,
        **store_environment(connection),
        contract.TRACKING_URI: connection.tracking_uri,
        contract.EXPERIMENT_NAME: binding,
        contract.WORKSPACE: f"{workspace.namespace}/{workspace.name}",
        contract.BINDING: binding,
        contract.ARTIFACT_ROOT: connection.artifact_root,
    }
    return environment | {contract.GENERATION: digest(environment)}

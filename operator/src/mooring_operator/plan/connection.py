"""The connection: what a process needs to log to a workspace, as environment variables."""

from dataclasses import dataclass, field
from typing import Final

from mooring import contract
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
class StoreClient:
    """What a process needs to be a client of a workspace's artifact store, whatever its kind.

    `root` is the URI under which every artifact of the workspace lies. `environment` has the names
    of `mooring.contract`, of secrets too. With `token_audience`, a service account token for that
    audience is mounted at `contract.TOKEN_PATH`. `files` are mounted at `contract.MOUNT_PATH`, by
    name.
    """

    root: str
    environment: dict[str, str] = field(repr=False)
    token_audience: str | None = None
    files: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach one workspace: its tracking server and its artifact store."""

    workspace: Owner
    store: StoreClient

    @property
    def tracking_uri(self) -> str:
        """Where the tracking server answers, from any namespace."""
        return f"http://{self.workspace.child_name}.{self.workspace.namespace}.svc:{PORT}"

    @property
    def artifact_root(self) -> str:
        """The URI under which the artifacts of every new experiment lie."""
        return self.store.root


def pod_environment(
    connection: Connection, binding: str, experiment: str | None = None
) -> dict[str, str]:
    """Everything that the pods of a binding are given; `GENERATION` stands for the rest.

    `experiment` is the default experiment, None for the one of the binding's name.
    """
    workspace = connection.workspace
    environment = {
        **CLIENT_DEFAULTS,
        **connection.store.environment,
        contract.TRACKING_URI: connection.tracking_uri,
        contract.EXPERIMENT_NAME: experiment or binding,
        contract.WORKSPACE: f"{workspace.namespace}/{workspace.name}",
        contract.BINDING: binding,
        contract.ARTIFACT_ROOT: connection.artifact_root,
    }
    return environment | {contract.GENERATION: digest({**environment, **connection.store.files})}

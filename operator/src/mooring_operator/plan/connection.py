"""The connection: what a process needs to log to a workspace, as environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from mooring import contract
from mooring_operator.api.workspace import ArtifactAccess
from mooring_operator.plan.metadata import Owner, digest

PORT: Final = 5000
HTTP_MAX_RETRIES: Final = 6
"""Rides over two minutes without a server: 124 s of waiting (MLflow's default of 7 waits 244 s)."""

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
    name. `claim` is the PersistentVolumeClaim that the artifacts lie on, which only the server
    mounts.
    """

    root: str
    environment: dict[str, str] = field(repr=False)
    token_audience: str | None = None
    files: dict[str, str] = field(default_factory=dict, repr=False)
    claim: str | None = None


@dataclass(frozen=True, slots=True)
class ServerClient:
    """What a process needs to be a client of a tracking server that somebody else runs.

    `environment` and the secret `login` have the names of `mooring.contract`; `revision` changes
    with the login. `files` are mounted at `contract.MOUNT_PATH`, by name.
    """

    uri: str
    environment: dict[str, str]
    login: dict[str, str] = field(default_factory=dict, repr=False)
    revision: str = ""
    files: dict[str, str] = field(default_factory=dict, repr=False)


PROXIED: Final = StoreClient(
    root=contract.PROXIED_ROOT,
    # MLflow would otherwise hand out signed URLs, by which pods talk to the store after all
    environment={
        contract.PROXY_MULTIPART_DOWNLOAD: "false",
        contract.PROXY_MULTIPART_UPLOAD: "false",
    },
)
"""The tracking server as the artifact store of its clients."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach one workspace: its tracking server and its artifact store.

    `store` is what the server needs. Pods need the same with Direct access; with Proxied the
    server keeps their artifacts, and they hold nothing of the store. `external` is None where the
    operator runs the server; there `login` is the environment with which the pods of one binding
    log in, and `key_digest` changes with the key that signs the passwords. It is empty where the
    server asks nobody.
    """

    workspace: Owner
    store: StoreClient
    artifact_access: ArtifactAccess = "Direct"
    external: ServerClient | None = None
    login: Mapping[str, str] = field(default_factory=dict, repr=False)
    key_digest: str = ""

    @property
    def asks_for_login(self) -> bool:
        """Whether the tracking server has users."""
        return bool(self.key_digest)

    @property
    def pods_log_in(self) -> bool:
        """Whether pods are given a login, for our server or for somebody else's."""
        return bool(self.login or (self.external and self.external.login))

    @property
    def proxied(self) -> bool:
        """Whether artifacts go through the tracking server."""
        return self.artifact_access == "Proxied"

    @property
    def pod_store(self) -> StoreClient:
        """What pods need to keep artifacts, with every file that they need at all."""
        store = PROXIED if self.proxied else self.store
        if self.external is None:
            return store
        return replace(store, files={**store.files, **self.external.files})

    @property
    def tracking_uri(self) -> str:
        """Where the tracking server answers, from any namespace."""
        if self.external is not None:
            return self.external.uri
        return f"http://{self.workspace.child_name}.{self.workspace.namespace}.svc:{PORT}"

    @property
    def mlflow_workspace(self) -> str | None:
        """The workspace of MLflow, on a server that has several."""
        return self.external.environment.get(contract.MLFLOW_WORKSPACE) if self.external else None

    @property
    def artifact_root(self) -> str:
        """The URI under which the artifacts of every new experiment lie, as MLflow says it."""
        return self.pod_store.root


def pod_environment(
    connection: Connection, binding: str, experiment: str | None = None
) -> dict[str, str]:
    """Everything that the pods of a binding are given; `GENERATION` stands for the rest.

    `experiment` is the default experiment, None for the one of the binding's name.
    """
    workspace, external = connection.workspace, connection.external
    store = connection.pod_store
    environment = {
        **CLIENT_DEFAULTS,
        **store.environment,
        **connection.login,
        contract.TRACKING_URI: connection.tracking_uri,
        contract.EXPERIMENT_NAME: experiment or binding,
        contract.WORKSPACE: f"{workspace.namespace}/{workspace.name}",
        contract.BINDING: binding,
        contract.ARTIFACT_ROOT: connection.artifact_root,
        contract.BOUND_URI: connection.tracking_uri,
    }
    stands_for = {**environment, **store.files}
    if external is not None:
        environment |= external.environment | external.login
        # everybody may read the digest, and guess by it what a person chose as password
        stands_for |= external.environment | {"login": external.revision}
    return environment | {contract.GENERATION: digest(stands_for)}

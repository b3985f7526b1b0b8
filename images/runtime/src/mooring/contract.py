"""The contract: every name that the operator, the Airflow provider and the pods share.

The operator publishes these keys, the admission policy and the Airflow provider carry them,
the guard and MLflow read them. They are stable from the first release on: adding a name is
fine, changing or dropping one is a breaking change. This module imports nothing but the
standard library, so that every part can afford it.
"""

from collections.abc import Mapping
from typing import Final

GROUP: Final = "mooring.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"

# --- labels and annotations -------------------------------------------------------------------

BINDING_LABEL: Final = f"{GROUP}/binding"
DEFAULT_BINDING_LABEL: Final = f"{GROUP}/default-binding"
INJECTED_ANNOTATION: Final = f"{GROUP}/injected"
SKIP_LABEL: Final = f"{GROUP}/skip"
SKIP_CONTAINERS_ANNOTATION: Final = f"{GROUP}/skip-containers"
"""Names of containers that are left alone, with commas between: sidecars need no credential."""
LOGS_ANNOTATION: Final = f"{GROUP}/logs"
"""On a pod that succeeds: whether it is to have a run; it is, unless this says otherwise."""
LOGS_NONE: Final = "none"
"""Value of it: the pod only reads. Nothing is said of what it does."""
LOGS_OPTIONAL: Final = "optional"
"""Value of it: it may have no run, as a pod that got its binding by its namespace alone."""
ROTATE_ANNOTATION: Final = f"{GROUP}/rotate"
"""On a workspace: any new value asks for new credentials, as `kubectl rollout restart` does."""

# --- what a pod is given ----------------------------------------------------------------------

MOUNT_PATH: Final = "/var/run/secrets/mooring.dev"
TOKEN_PATH: Final = f"{MOUNT_PATH}/token"
CA_FILE: Final = "ca.crt"
CA_PATH: Final = f"{MOUNT_PATH}/{CA_FILE}"
TRACKING_CA_FILE: Final = "tracking-ca.crt"
TRACKING_CA_PATH: Final = f"{MOUNT_PATH}/{TRACKING_CA_FILE}"
GOOGLE_KEY_FILE: Final = "google.json"
GOOGLE_KEY_PATH: Final = f"{MOUNT_PATH}/{GOOGLE_KEY_FILE}"
VOLUME_NAME: Final = "mooring"
GUARD_CONTAINER: Final = "mooring-guard"

TRACKING_URI: Final = "MLFLOW_TRACKING_URI"
EXPERIMENT_NAME: Final = "MLFLOW_EXPERIMENT_NAME"
EXPERIMENT_ID: Final = "MLFLOW_EXPERIMENT_ID"
HTTP_MAX_RETRIES: Final = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
S3_ENDPOINT_URL: Final = "MLFLOW_S3_ENDPOINT_URL"
S3_UPLOAD_ARGUMENTS: Final = "MLFLOW_S3_UPLOAD_EXTRA_ARGS"
PROXY_MULTIPART_DOWNLOAD: Final = "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD"
PROXY_MULTIPART_UPLOAD: Final = "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD"
TRACKING_CERT_PATH: Final = "MLFLOW_TRACKING_SERVER_CERT_PATH"
TRACKING_USERNAME: Final = "MLFLOW_TRACKING_USERNAME"
TRACKING_PASSWORD: Final = "MLFLOW_TRACKING_PASSWORD"
TRACKING_TOKEN: Final = "MLFLOW_TRACKING_TOKEN"
MLFLOW_WORKSPACE: Final = "MLFLOW_WORKSPACE"
RUN_CONTEXT: Final = "MLFLOW_RUN_CONTEXT"
RUN_ID: Final = "MLFLOW_RUN_ID"
AIRFLOW_RUN_CONTEXT: Final = "AIRFLOW_CTX_MLFLOW_RUN_CONTEXT"
"""The run tags of a task instance in the process of its task, where `mooring-airflow` is there."""
AWS_REGION: Final = "AWS_DEFAULT_REGION"
AWS_ROLE_ARN: Final = "AWS_ROLE_ARN"
AWS_TOKEN_FILE: Final = "AWS_WEB_IDENTITY_TOKEN_FILE"
AWS_STS_ENDPOINT: Final = "AWS_ENDPOINT_URL_STS"
AWS_CA_BUNDLE: Final = "AWS_CA_BUNDLE"
AWS_ACCESS_KEY_ID: Final = "AWS_ACCESS_KEY_ID"
AWS_SECRET_ACCESS_KEY: Final = "AWS_SECRET_ACCESS_KEY"
AWS_SESSION_TOKEN: Final = "AWS_SESSION_TOKEN"
AWS_PROFILE: Final = "AWS_PROFILE"
AZURE_CONNECTION_STRING: Final = "AZURE_STORAGE_CONNECTION_STRING"
AZURE_ACCESS_KEY: Final = "AZURE_STORAGE_ACCESS_KEY"
GOOGLE_CREDENTIALS: Final = "GOOGLE_APPLICATION_CREDENTIALS"
GOOGLE_ENDPOINT: Final = "API_ENDPOINT_OVERRIDE"
WORKSPACE: Final = "MOORING_WORKSPACE"
BINDING: Final = "MOORING_BINDING"
NAMESPACE: Final = "MOORING_NAMESPACE"
"""The namespace of that binding and of its pods."""
ARTIFACT_ROOT: Final = "MOORING_ARTIFACT_ROOT"
GENERATION: Final = "MOORING_GENERATION"
POD_NAME: Final = "MOORING_POD"
"""The name of the pod, as the kubelet knows it: the pods of a Job are named when they are made."""
POD_REFERENCE: Final = f"$({POD_NAME})"
"""What the kubelet puts that name in the place of, in a value behind `POD_NAME`."""
GUARD_MODE: Final = "MOORING_GUARD"
SERVER: Final = "MOORING_SERVER"
BOUND_URI: Final = "MOORING_TRACKING_URI"
"""`TRACKING_URI` once more: what a training's own environment made of that can be seen by it."""

STRICT: Final = "MOORING_STRICT"
"""With it a training fails when MLflow has lost something and only warned (docs/training.md)."""

GUARD_WARN: Final = "Warn"
"""Value of `GUARD_MODE` with which the guard tells what it found and lets the pod start."""

GUARD_OFF: Final = "Off"
"""Value of `GUARD_MODE` with which `mooring run` checks nothing."""

SERVER_EXTERNAL: Final = "External"
"""Value of `SERVER` where somebody else runs the tracking server, with other experiments too."""

MLFLOW_WORKSPACE_HEADER: Final = "X-MLFLOW-WORKSPACE"
"""Header by which MLflow's client says the value of `MLFLOW_WORKSPACE` with each request."""

SECRET_KEYS: Final = frozenset(
    {
        TRACKING_USERNAME,
        TRACKING_PASSWORD,
        TRACKING_TOKEN,
        AWS_ACCESS_KEY_ID,
        AWS_SECRET_ACCESS_KEY,
        AZURE_CONNECTION_STRING,
    }
)
"""Keys that are published in the Secret; every other published key is in the ConfigMap."""

OWNED_BY_BINDING: Final = (
    TRACKING_URI,
    TRACKING_USERNAME,
    TRACKING_PASSWORD,
    TRACKING_TOKEN,
    MLFLOW_WORKSPACE,
    S3_ENDPOINT_URL,
    S3_UPLOAD_ARGUMENTS,
    AWS_ROLE_ARN,
    AWS_TOKEN_FILE,
    AWS_STS_ENDPOINT,
    AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY,
    AWS_SESSION_TOKEN,
    AWS_PROFILE,
    AZURE_CONNECTION_STRING,
    GOOGLE_CREDENTIALS,
    GOOGLE_ENDPOINT,
    WORKSPACE,
    BINDING,
    NAMESPACE,
    ARTIFACT_ROOT,
    BOUND_URI,
    GENERATION,
)
"""Names that no container of a bound pod may set by its own ``env``.

A container's ``env`` beats ``envFrom``, so ``MLFLOW_TRACKING_URI: ""`` set by hand would win over
the injected one and send the run to a local file. The admission policy refuses such a pod.
"""

ASKED_BY_CONTAINER: Final = (
    EXPERIMENT_NAME,
    EXPERIMENT_ID,
    RUN_ID,
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
)
"""Names that a container may set by its own ``env``, and by which its guard checks.

Whatever injects the fragment copies them into the guard. Not those whose value leans on another
variable of the container, by ``$(NAME)``: the guard has not got that one.
"""

PROXIED_ROOT: Final = "mlflow-artifacts:/"
"""The artifact root where the tracking server keeps artifacts for its clients."""

# --- run tags and XCom ------------------------------------------------------------------------

TAG_DAG_ID: Final = "airflow.dag_id"
TAG_RUN_ID: Final = "airflow.run_id"
TAG_TASK_ID: Final = "airflow.task_id"
TAG_MAP_INDEX: Final = "airflow.map_index"
TAG_TRY_NUMBER: Final = "airflow.try_number"
TAG_LOGICAL_DATE: Final = "airflow.logical_date"
TAG_LOG_URL: Final = "airflow.log_url"
TAG_OWNER: Final = "airflow.owner"
TAG_TEAM: Final = "airflow.team_name"
"""The team of Airflow's own (`[core] multi_team`) whose DAG it is; only where there are any."""
TAG_WORKSPACE: Final = "mooring.workspace"
TAG_BINDING: Final = "mooring.binding"
TAG_POD: Final = "mooring.pod"
TAG_VERIFIED: Final = "mooring.verified"
TAG_FINDING: Final = "mooring.finding"
TAG_SUPERSEDED_BY: Final = "mooring.superseded_by"
"""Id of the run of a later try of the same task instance."""
TAG_HEARTBEAT: Final = "mooring.heartbeat"
"""When the process of a run was last alive: an RFC 3339 instant in UTC, `2026-11-21T22:15:03Z`.

Told at most every `HEARTBEAT_EVERY_S` by trainings whose image has `mooring`; a run without it says
nothing about its process.
"""
HEARTBEAT_EVERY_S: Final = 60.0

XCOM_KEY: Final = "mlflow_run"

# --- the migration of a schema ------------------------------------------------------------------

DATABASE_COPY: Final = "MOORING_DATABASE_COPY"
"""Environment of the migration: the copy of the database that an upgrade may fall back on."""
COPY_BESIDE: Final = "beside"
"""Value of it: make a copy of the SQLite file beside it, called FILE.SCHEMA, before an upgrade."""
SCHEMA_OLDER: Final = 3
"""Exit code of the migration: the schema needs an upgrade, and no copy was named."""
SCHEMA_NEWER: Final = 4
"""Exit code of the migration: only a newer MLflow knows the schema."""

# --- the login of a tracking server -------------------------------------------------------------

AUTH: Final = "MOORING_AUTH"
"""Environment of server and migration: the folder with the files below; unset, nobody logs in."""
AUTH_PATH: Final = "/var/run/secrets/mooring-auth"
AUTH_KEY_FILE: Final = "key"
"""The key that signs the passwords; see `mooring.passwords`."""
AUTH_LOGINS_FILE: Final = "logins.json"
"""Which of the signed passwords are good; see `mooring.passwords.Logins`."""
PROBE_PATH: Final = "/version"
PROBE_HEADER: Final = "X-Mooring-Probe"
"""A request for that path with it needs no login: 200 where the database answers."""

# --- audiences of projected tokens --------------------------------------------------------------

AWS_AUDIENCE: Final = "sts.amazonaws.com"


def skipped_containers(annotations: Mapping[str, str]) -> frozenset[str]:
    """Names of the containers that a pod with these `annotations` wants left alone."""
    named = annotations.get(SKIP_CONTAINERS_ANNOTATION, "").split(",")
    return frozenset(name.strip() for name in named)


def published_name(binding: str) -> str:
    """Name of the ConfigMap and of the Secret that answer the binding called `binding`."""
    return f"{binding}-mlflow"


def files_name(binding: str) -> str:
    """Name of the Secret with the files that are mounted at MOUNT_PATH, where there are any.

    They stand apart because every key of the published objects becomes an environment variable.
    """
    return f"{published_name(binding)}-files"


def connection_name(binding: str) -> str:
    """Name of the Secret that Airflow's Kubernetes secrets backend reads a connection from."""
    return f"{published_name(binding)}-airflow"


def connection_id(binding: str) -> str:
    """Id of that connection in Airflow."""
    return f"mlflow_{binding}"

"""The tracking server: ServiceAccount, Service, PodDisruptionBudget and Deployment."""

from dataclasses import dataclass, field
from typing import Any, Final

from mooring import contract
from mooring_operator.api.server import EnvVar, ServerDefaults
from mooring_operator.plan.auth import auth_mount, auth_variable, auth_volume
from mooring_operator.plan.connection import PORT, PROXIED, Connection
from mooring_operator.plan.database import (
    CONNECTION_LIMIT,
    MIGRATION_URI,
    RUNTIME_URI,
    DatabaseClient,
    backend_store_uri,
    database_mounts,
    database_volumes,
)
from mooring_operator.plan.exposure import External
from mooring_operator.plan.metadata import (
    MIGRATION,
    SERVER,
    STORE,
    Manifest,
    Owner,
    child,
    digest,
    labels,
    selector,
)
from mooring_operator.plan.monitoring import METRICS_FOLDER
from mooring_operator.plan.pods import (
    USER,
    placement,
    restricted_container,
    restricted_pod,
    store_mounts,
    store_volumes,
    temp_mount,
    temp_volume,
)
from mooring_operator.plan.probes import probes
from mooring_operator.plan.sizing import Size
from mooring_operator.plan.volume import data_mounts, data_volumes

CONFIG_ANNOTATION: Final = f"{contract.GROUP}/config-digest"
SHUTDOWN_S: Final = 60
DRAIN_S: Final = 5
"""A server that is to end still answers for so long: every node hears of it in its own time
(https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination-flow)."""

SETTINGS: Final = {
    "MLFLOW_HOST": "0.0.0.0",  # noqa: S104 (in its pod)
    "MLFLOW_PORT": str(PORT),
    # jobs are for GenAI scorers and cost 1.5 GiB
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # two are kept open. A request may need a second connection while it holds one: with a pool of
    # three, three requests wait for each other for 30 s, and MLflow then drops what they log. One
    # more than the role may have is refused at once instead, as 503, and the client tries again.
    "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": "2",
    "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW": str(CONNECTION_LIMIT - 2),
}


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """What one workspace's server is to be.

    `environment_digest` changes with the values of Secrets that `environment` names. With
    `migrates` its own pod brings the schema to its version first: a file on a volume is nobody
    else's to open.
    """

    defaults: ServerDefaults
    size: Size
    environment: list[EnvVar] = field(default_factory=list)
    environment_digest: str = ""
    migrates: bool = False
    external: External | None = None
    metrics: bool = False


def server_objects(
    connection: Connection, plan: ServerPlan, database: DatabaseClient
) -> list[Manifest]:
    """Everything of the tracking server that is always there, the Deployment last."""
    workspace = connection.workspace
    return [
        service_account(workspace, plan.defaults),
        _service(workspace),
        _deployment(connection, plan, database),
    ]


def service_account(workspace: Owner, defaults: ServerDefaults) -> Manifest:
    """The identity of the server, the migration and the canary: no rights in the cluster.

    Its pull secrets become those of every pod that runs under it.
    """
    head = child(workspace, "v1", "ServiceAccount", workspace.child_name, SERVER)
    secrets = [secret.model_dump(by_alias=True) for secret in defaults.image_pull_secrets]
    return head | {"automountServiceAccountToken": False, "imagePullSecrets": secrets}


def disruption_budget(workspace: Owner) -> Manifest:
    """Drains end one server at a time; one that does not work is no reason to wait."""
    head = child(workspace, "policy/v1", "PodDisruptionBudget", workspace.child_name, SERVER)
    return head | {
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": selector(workspace, SERVER)},
        }
    }


def _service(workspace: Owner) -> Manifest:
    port = {"name": "http", "port": PORT, "targetPort": "http", "protocol": "TCP"}
    head = child(workspace, "v1", "Service", workspace.child_name, SERVER)
    return head | {"spec": {"selector": selector(workspace, SERVER), "ports": [port]}}


def _deployment(connection: Connection, plan: ServerPlan, database: DatabaseClient) -> Manifest:
    workspace, replicas = connection.workspace, plan.size.replicas
    claim = connection.store.claim
    config = _config(connection, database.digest, plan.environment_digest)
    template = {
        "metadata": {
            "labels": labels(workspace, SERVER),
            "annotations": {CONFIG_ANNOTATION: config},
        },
        "spec": {
            **restricted_pod(group=USER if claim else None),
            **placement(plan.defaults),
            "topologySpreadConstraints": _spread(workspace, plan.defaults),
            "serviceAccountName": workspace.child_name,
            "terminationGracePeriodSeconds": SHUTDOWN_S,
            **({"initContainers": [_migration(connection, plan)]} if plan.migrates else {}),
            "containers": [_container(connection, plan, database)],
            "volumes": [
                temp_volume(),
                *data_volumes(claim),
                *server_store_volumes(connection),
                *database_volumes(workspace, database),
                *([auth_volume(workspace)] if connection.asks_for_login else []),
            ],
        },
    }
    head = child(workspace, "apps/v1", "Deployment", workspace.child_name, SERVER)
    return head | {
        "spec": {
            **({"replicas": replicas} if replicas is not None else {}),
            "selector": {"matchLabels": selector(workspace, SERVER)},
            "strategy": _recreate() if claim else _rolling(),
            "template": template,
        }
    }


def _rolling() -> dict[str, Any]:
    return {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def _drain() -> dict[str, Any]:
    return {"preStop": {"sleep": {"seconds": DRAIN_S}}}


def _recreate() -> dict[str, Any]:
    """The old server lets go of the volume before the new one starts."""
    return {"type": "Recreate"}


def _migration(connection: Connection, plan: ServerPlan) -> dict[str, Any]:
    return {
        **restricted_container(MIGRATION, plan.defaults),
        "command": ["mooring", "migrate"],
        "env": [
            backend_store_uri(connection.workspace, MIGRATION_URI),
            {"name": contract.DATABASE_COPY, "value": contract.COPY_BESIDE},
            *([auth_variable()] if connection.asks_for_login else []),
        ],
        "resources": plan.size.resources.model_dump(by_alias=True, exclude_defaults=True),
        "volumeMounts": [temp_mount(), *data_mounts(connection.store.claim)],
    }


def _spread(workspace: Owner, defaults: ServerDefaults) -> list[dict[str, Any]]:
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": selector(workspace, SERVER)},
            # of one generation: those of the last do not count while they are replaced
            "matchLabelKeys": ["pod-template-hash"],
        }
        for key in defaults.topology_keys
    ]


def _config(connection: Connection, database_digest: str, environment_digest: str) -> str:
    """Changes with everything that the server reads only when it starts."""
    store = connection.store
    read = [{**store.environment, **store.files}, database_digest, environment_digest]
    # no entry without one: servers would be replaced for nothing
    return digest([*read, *filter(None, [connection.key_digest])])


def server_store_volumes(connection: Connection) -> list[dict[str, Any]]:
    """The volume with what the store wants in files, as the server mounts it."""
    return store_volumes(connection.store, connection.workspace.child_name_for(STORE))


def _container(
    connection: Connection, plan: ServerPlan, database: DatabaseClient
) -> dict[str, Any]:
    return {
        **restricted_container(SERVER, plan.defaults),
        "command": ["mooring", "serve"],
        "env": [*_environment(connection, plan), *map(_variable, plan.environment)],
        "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        # on a volume the next server waits for this one to end
        **({} if connection.store.claim else {"lifecycle": _drain()}),
        **probes(connection),
        "resources": plan.size.resources.model_dump(by_alias=True, exclude_defaults=True),
        "volumeMounts": [
            temp_mount(),
            *data_mounts(connection.store.claim),
            *store_mounts(connection.store),
            *database_mounts(database),
            *([auth_mount()] if connection.asks_for_login else []),
        ],
    }


def _variable(variable: EnvVar) -> dict[str, Any]:
    # the API server stores no empty value
    fields = variable.model_dump(by_alias=True)
    return {name: value for name, value in fields.items() if value}


def _environment(connection: Connection, plan: ServerPlan) -> list[dict[str, Any]]:
    """Environment of the server; it never holds the clients' ConfigMap (MLFLOW_* would clash)."""
    hosts = ",".join(allowed_hosts(connection.workspace, plan.external))
    settings = _settings(plan) | _artifact_settings(connection)
    return [
        {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "MLFLOW_SERVER_ALLOWED_HOSTS", "value": hosts},
        *({"name": k, "value": v} for k, v in sorted(settings.items())),
        *store_variables(connection),
        *([auth_variable()] if connection.asks_for_login else []),
    ]


def store_variables(connection: Connection) -> list[dict[str, Any]]:
    """How the server, and who works in its place, reaches the database and the artifact store."""
    workspace, store = connection.workspace, connection.store.environment

    def secret(key: str) -> dict[str, Any]:
        ref = {"name": workspace.child_name_for(STORE), "key": key}
        return {"name": key, "valueFrom": {"secretKeyRef": ref}}

    return [
        backend_store_uri(workspace, RUNTIME_URI),
        *({"name": k, "value": v} for k, v in sorted(store.items()) if not _secret(k)),
        *map(secret, sorted(filter(_secret, store))),
    ]


def _settings(plan: ServerPlan) -> dict[str, str]:
    settings = SETTINGS | {"MLFLOW_WORKERS": str(plan.defaults.workers)}
    if plan.external:
        # a browser that got the page from there; localhost may always write
        settings["MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"] = plan.external.url
    if plan.metrics:
        settings["MLFLOW_EXPOSE_PROMETHEUS"] = METRICS_FOLDER
    return settings


def _artifact_settings(connection: Connection) -> dict[str, str]:
    settings = {
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": connection.artifact_root,
        "MLFLOW_SERVE_ARTIFACTS": "true" if connection.proxied else "false",
    }
    if not connection.proxied:
        return settings
    return settings | PROXIED.environment | {"MLFLOW_ARTIFACTS_DESTINATION": connection.store.root}


def allowed_hosts(workspace: Owner, external: External | None) -> list[str]:
    """Host headers that the server answers to; setting any replaces MLflow's own list.

    An entry matches the whole header with its port, so each name stands bare and with `:*`.
    """
    name, namespace = workspace.child_name, workspace.namespace
    names = [
        name,
        f"{name}.{namespace}",
        f"{name}.{namespace}.svc",
        f"{name}.{namespace}.svc.cluster.local",
    ]
    if external:
        names.append(external.host)
    local = ["localhost:*", "127.0.0.1:*", "$(POD_IP):*"]
    return local + [entry for host in names for entry in (host, f"{host}:*")]


def _secret(key: str) -> bool:
    return key in contract.SECRET_KEYS

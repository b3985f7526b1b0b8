"""The tracking server: what the class sets for every workspace, and what a team may change."""

from typing import Annotated, Any, Final

from pydantic import Field

from mooring import contract
from mooring_operator.api.base import ApiModel, DataKey, ObjectName, matches, rule, rules
from mooring_operator.api.external import ExternalServer, not_external
from mooring_operator.api.image import ContainerImage, OfferedVersion, PullSecret, Version

Quantity = Annotated[
    str,
    Field(
        max_length=32,
        json_schema_extra=rules(
            matches(
                r"^[0-9]+(\.[0-9]+)?(m|[kMGTPE]|[KMGTPE]i)?$",
                "a quantity is a number with perhaps a unit, as in 500m, 2 or 1Gi",
            )
        ),
    ),
]
"""A Kubernetes quantity, without the exponents that nobody writes."""
ResourceList = Annotated[
    dict[str, Quantity],
    Field(
        max_length=16,
        json_schema_extra=rules(
            rule(
                "self.all(key, key in ['cpu', 'memory', 'ephemeral-storage'] || "
                "key.startsWith('hugepages-') || key.contains('/'))",
                "a resource is cpu, memory, ephemeral-storage, hugepages-SIZE or one of a device "
                "plugin, as in example.com/gpu",
            )
        ),
    ),
]
Labels = Annotated[dict[str, Annotated[str, Field(max_length=63)]], Field(max_length=32)]

OWNED_PREFIXES: Final = ("AWS_", "AZURE_", "GOOGLE_", "MOORING_")
OWNED_ENVIRONMENT: Final = frozenset(
    {
        contract.EXPERIMENT_NAME,
        contract.PROXY_MULTIPART_DOWNLOAD,
        contract.PROXY_MULTIPART_UPLOAD,
        contract.RUN_CONTEXT,
        contract.S3_ENDPOINT_URL,
        contract.S3_UPLOAD_ARGUMENTS,
        contract.TRACKING_CERT_PATH,
        contract.TRACKING_PASSWORD,
        contract.TRACKING_TOKEN,
        contract.TRACKING_URI,
        contract.TRACKING_USERNAME,
        "MLFLOW_ARTIFACTS_DESTINATION",
        "MLFLOW_AUTH_ADMIN_PASSWORD",
        "MLFLOW_AUTH_ADMIN_USERNAME",
        "MLFLOW_AUTH_CONFIG_PATH",
        "MLFLOW_BACKEND_STORE_URI",
        "MLFLOW_DEFAULT_ARTIFACT_ROOT",
        "MLFLOW_DISABLE_TELEMETRY",
        "MLFLOW_EXPOSE_PROMETHEUS",
        "MLFLOW_FLASK_SERVER_SECRET_KEY",
        "MLFLOW_HOST",
        "MLFLOW_PORT",
        "MLFLOW_SERVER_ALLOWED_HOSTS",
        "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS",
        "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION",
        "MLFLOW_SERVE_ARTIFACTS",
        "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW",
        "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE",
        "MLFLOW_STATIC_PREFIX",
        "MLFLOW_WORKERS",
        # the server refuses to start with it: it is the clients'
        contract.MLFLOW_WORKSPACE,
        "POD_IP",
    }
)
"""Environment of the server that the operator sets, or that would break what it promises.

Beside these, every name with one of `OWNED_PREFIXES`: those are of the stores and the contract.
"""


class Resources(ApiModel):
    """Compute resources of a container."""

    model_config = ApiModel.model_config | {
        "json_schema_extra": rules(
            rule(
                "!has(self.requests) || !has(self.limits) || self.requests.all(key, "
                "!(key in self.limits) || !isQuantity(self.requests[key]) || "
                "!isQuantity(self.limits[key]) || "
                "!quantity(self.requests[key]).isGreaterThan(quantity(self.limits[key])))",
                "what is requested is at most what limits allows",
            )
        )
    }

    requests: Annotated[ResourceList, Field(description="What is reserved.")] = Field(
        default_factory=dict
    )
    limits: Annotated[ResourceList, Field(description="What may be used at most.")] = Field(
        default_factory=dict
    )


def _free_form(description: str) -> Any:
    return Field(
        description=description, json_schema_extra={"x-kubernetes-preserve-unknown-fields": True}
    )


class ServerDefaults(ContainerImage):
    """The tracking server of every workspace of the class."""

    versions: Annotated[
        list[OfferedVersion],
        Field(
            max_length=32,
            description="Versions of MLflow that a workspace may ask for in spec.server.version. "
            "One that asks for none gets the image of this server, whatever is listed here.",
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["version"],
            },
        ),
    ] = Field(default_factory=list)
    resources: Annotated[
        Resources,
        Field(description="Resources of the server container; a workspace may change each."),
    ] = Resources(
        requests={"cpu": "100m", "memory": "512Mi"},
        limits={"memory": "1Gi"},
    )
    replicas: Annotated[
        int, Field(ge=1, le=32, description="How many servers a workspace has unless it says so.")
    ] = 1
    workers: Annotated[
        int,
        Field(
            ge=1,
            le=16,
            description="Processes in each server. More replicas scale better; every process "
            "takes 190 MiB and up to 6 connections of the database server.",
        ),
    ] = 1
    image_pull_secrets: Annotated[
        list[PullSecret],
        Field(
            max_length=8,
            description="Secrets to pull the images of server, migration and canary with; each "
            "must exist in the namespace of the workspace.",
        ),
    ] = Field(default_factory=list)
    node_selector: Annotated[
        Labels, Field(description="Labels of the nodes that server, migration and canary run on.")
    ] = Field(default_factory=dict)
    tolerations: Annotated[
        list[Annotated[dict[str, Any], _free_form("A toleration, as in a pod.")]],
        Field(max_length=16, description="Taints that server, migration and canary tolerate."),
    ] = Field(default_factory=list)
    affinity: Annotated[
        dict[str, Any], _free_form("Affinity of server, migration and canary, as in a pod.")
    ] = Field(default_factory=dict)
    topology_keys: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=316)]],
        Field(
            max_length=4,
            description="Labels of nodes over whose values the replicas of a server are spread "
            "where that is possible.",
        ),
    ] = Field(["kubernetes.io/hostname"])


class Limits(ApiModel):
    """What a workspace of the class may ask for at most."""

    replicas: Annotated[
        int | None, Field(ge=1, description="Largest number of servers, an autoscaler's too.")
    ] = None
    cpu: Annotated[
        Quantity | None, Field(description="Largest request and limit of one server.")
    ] = None
    memory: Annotated[
        Quantity | None, Field(description="Largest request and limit of one server.")
    ] = None


class SecretKey(ApiModel):
    """A value in a Secret of the workspace's namespace."""

    name: Annotated[ObjectName, Field(description="Name of the Secret.")]
    key: Annotated[DataKey, Field(description="Key in its data.")]


class ValueSource(ApiModel):
    """Where a value comes from."""

    secret_key_ref: Annotated[SecretKey, Field(description="A Secret's value.")]


class EnvVar(ApiModel):
    """An environment variable of the server."""

    model_config = ApiModel.model_config | {
        "json_schema_extra": rules(
            rule(
                "has(self.value) != has(self.valueFrom)",
                "set exactly one of value and valueFrom",
            ),
            rule(
                f"!(self.name in {sorted(OWNED_ENVIRONMENT)}) && "
                f"!{list(OWNED_PREFIXES)}.exists(prefix, self.name.startsWith(prefix))",
                "the operator sets this variable itself, or it would break the server; leave it "
                f"out, as every name that begins with {', '.join(OWNED_PREFIXES)}",
                fieldPath=".name",
            ),
        )
    }

    name: Annotated[
        str,
        Field(
            max_length=128,
            description="Its name.",
            json_schema_extra=rules(
                matches(
                    r"^[A-Za-z_][A-Za-z0-9_]*$",
                    "a variable is made of letters, digits and '_', and does not begin with a "
                    "digit",
                )
            ),
        ),
    ]
    value: Annotated[str | None, Field(max_length=4096, description="Its value.")] = None
    value_from: Annotated[
        ValueSource | None,
        Field(description="Where its value comes from; a change of it rolls the server."),
    ] = None


class ServerSpec(ApiModel):
    """What a team sets of its tracking server."""

    model_config = ApiModel.model_config | {
        "json_schema_extra": rules(
            rule(
                "has(self.external) == has(oldSelf.external)",
                "external cannot be set or removed later: the runs would stay behind. Make another "
                "workspace",
                fieldPath=".external",
            ),
            not_external("version", "!has(self.version)"),
            not_external("replicas", "!has(self.replicas)"),
            not_external(
                "resources",
                "!has(self.resources) || ["
                "has(self.resources.requests) ? size(self.resources.requests) : 0, "
                "has(self.resources.limits) ? size(self.resources.limits) : 0] == [0, 0]",
            ),
            not_external("env", "!has(self.env) || size(self.env) == 0"),
        )
    }

    external: Annotated[
        ExternalServer | None,
        Field(
            description="A tracking server that somebody else runs; left out, the operator runs "
            "one."
        ),
    ] = None
    version: Annotated[
        Version | None,
        Field(
            description="Version of MLflow, one of those that the class offers; left out, the "
            "class's own, which may change at any time. A newer one upgrades the database after a "
            "copy was made, with no server meanwhile; an older one needs that copy back."
        ),
    ] = None
    replicas: Annotated[
        int | None,
        Field(ge=1, le=32, description="How many servers; left out, as many as the class says."),
    ] = None
    resources: Annotated[
        Resources,
        Field(description="Resources of one server; what is left out is as the class says."),
    ] = Resources()
    env: Annotated[
        list[EnvVar],
        Field(
            max_length=32,
            description="More environment variables of the server. Those that the operator sets "
            "are refused.",
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
        ),
    ] = Field(default_factory=list)

"""MlflowWorkspaceClass: what the platform team owns."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from mooring_operator.api.base import ApiModel, Name, SecretRef, rule, rules
from mooring_operator.api.conditions import Condition

DEFAULT_CLASS_ANNOTATION: Final = "mooring.dev/is-default-class"

Endpoint = Annotated[
    str,
    Field(
        max_length=253,
        json_schema_extra=rules(
            rule(
                "self.matches('^https?://[^/ ]+$')",
                "an endpoint is http:// or https://, a host and perhaps a port, without a path "
                "or a trailing slash, as in https://s3.example.com:9000",
            )
        ),
    ),
]
PullPolicy = Annotated[
    Literal["Always", "IfNotPresent", "Never"], Field(description="When the kubelet pulls it.")
]
ResourceList = Annotated[dict[str, Annotated[str, Field(max_length=32)]], Field(max_length=16)]


class ServiceEndpoint(ApiModel):
    """Where an API answers."""

    endpoint: Annotated[Endpoint, Field(description="URL of the API.")]


class S3Store(ApiModel):
    """An S3 bucket, and the IAM and STS APIs that guard it."""

    endpoint: Annotated[
        Endpoint | None, Field(description="URL of the S3 API; left out on AWS itself.")
    ] = None
    region: Annotated[str, Field(min_length=1, max_length=64, description="Region.")] = "us-east-1"
    bucket: Annotated[
        str,
        Field(
            max_length=256,
            description="The bucket that all workspaces of the class share, each under its prefix.",
            json_schema_extra=rules(
                rule(
                    "self.matches('^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$')",
                    "a bucket name has 3 to 63 characters: a-z, 0-9, '-' and '.', and starts and "
                    "ends with a letter or a digit",
                )
            ),
        ),
    ]
    prefix: Annotated[
        str,
        Field(
            max_length=256,
            description="Prefix of a workspace's objects; {namespace} and {name} are filled in.",
            json_schema_extra=rules(
                rule(
                    "self.contains('{namespace}/{name}')",
                    "prefix must contain {namespace}/{name}: without it, or with another sign "
                    "between the two, two workspaces could share their objects",
                ),
                rule(
                    "!self.startsWith('/') && !self.endsWith('/')",
                    "prefix neither starts nor ends with '/'",
                ),
            ),
        ),
    ] = "{namespace}/{name}"
    iam: Annotated[
        ServiceEndpoint | None, Field(description="The IAM API; left out on AWS itself.")
    ] = None
    sts: Annotated[
        ServiceEndpoint | None, Field(description="The STS API; left out on AWS itself.")
    ] = None
    admin_secret: Annotated[
        SecretRef,
        Field(
            description="Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of a user that "
            "may manage users, roles and the bucket."
        ),
    ]
    credentials: Annotated[
        Literal["WorkloadIdentity", "Minted"],
        Field(
            description="WorkloadIdentity: a role per workspace that pods assume with their "
            "service account's token, no key exists. Minted: a user and an access key per "
            "workspace."
        ),
    ] = "WorkloadIdentity"
    token_issuer: Annotated[
        Endpoint,
        Field(description="Issuer of the cluster's service account tokens (WorkloadIdentity)."),
    ] = "https://kubernetes.default.svc"


class ArtifactStore(ApiModel):
    """Where artifacts lie."""

    s3: Annotated[S3Store, Field(description="An S3 bucket.")]


class PostgresqlStore(ApiModel):
    """A PostgreSQL server on which each workspace gets a database and roles of its own."""

    host: Annotated[
        str,
        Field(
            min_length=1,
            max_length=253,
            description="Host name or address.",
            json_schema_extra=rules(
                rule(
                    "!self.contains('/') && !self.contains(':')",
                    "host is a name or an address alone; the port has a field of its own",
                )
            ),
        ),
    ]
    port: Annotated[int, Field(ge=1, le=65535, description="Port.")] = 5432
    ssl_mode: Annotated[
        Literal["disable", "prefer", "require", "verify-ca", "verify-full"],
        Field(description="TLS mode, as libpq's sslmode."),
    ] = "prefer"
    admin_secret: Annotated[
        SecretRef,
        Field(
            description="Secret with the keys username and password of a role with CREATEDB and "
            "CREATEROLE."
        ),
    ]


class BackendStore(ApiModel):
    """Where runs, parameters and metrics are kept."""

    postgresql: Annotated[PostgresqlStore, Field(description="A PostgreSQL server.")]


class Resources(ApiModel):
    """Compute resources of a container."""

    requests: Annotated[ResourceList, Field(description="What is reserved.")] = Field(
        default_factory=dict
    )
    limits: Annotated[ResourceList, Field(description="What may be used at most.")] = Field(
        default_factory=dict
    )


class ContainerImage(ApiModel):
    """An image and how it is pulled."""

    image: Annotated[str, Field(min_length=1, max_length=512, description="Image reference.")]
    image_pull_policy: PullPolicy = "IfNotPresent"


class ServerDefaults(ContainerImage):
    """The tracking server of every workspace of the class."""

    resources: Annotated[Resources, Field(description="Resources of the server container.")] = (
        Resources(
            requests={"cpu": "100m", "memory": "512Mi"},
            limits={"memory": "1Gi"},
        )
    )


class Launcher(ApiModel):
    """An Airflow service account that may start pods beside every binding of the class."""

    namespace: Annotated[Name, Field(description="Namespace of the service account.")]
    service_account: Annotated[
        str, Field(min_length=1, max_length=253, description="Name of the service account.")
    ]


class WorkspaceClassSpec(ApiModel):
    """Spec of an MlflowWorkspaceClass."""

    artifact_store: Annotated[ArtifactStore, Field(description="Where artifacts lie.")]
    backend_store: Annotated[BackendStore, Field(description="Where runs are kept.")]
    server: Annotated[ServerDefaults, Field(description="The tracking server.")]
    guard: Annotated[
        ContainerImage, Field(description="The init container that checks a pod's connection.")
    ]
    launchers: Annotated[
        list[Launcher],
        Field(
            max_length=64,
            description="Airflow service accounts that may start pods beside every binding.",
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["namespace", "serviceAccount"],
            },
        ),
    ] = Field(default_factory=list)


class WorkspaceClassStatus(ApiModel):
    """Status of an MlflowWorkspaceClass."""

    observed_generation: Annotated[int, Field(description="Generation last reconciled.")] = 0
    conditions: Annotated[
        list[Condition], Field(max_length=16, description="Ready: the admin connections work.")
    ] = Field(default_factory=list)


def artifact_prefix(s3: S3Store, namespace: str, name: str) -> str:
    """Prefix of a workspace's objects in the bucket, without slashes at its ends."""
    return s3.prefix.replace("{namespace}", namespace).replace("{name}", name)


def is_default(manifest: dict[str, Any]) -> bool:
    """Whether a live class object is marked as the default, as StorageClasses are."""
    annotations = manifest["metadata"].get("annotations", {})
    return bool(annotations.get(DEFAULT_CLASS_ANNOTATION) == "true")

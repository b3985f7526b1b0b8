"""Where artifacts lie: the artifact stores that a workspace class can name."""

import hashlib
import re
from typing import Annotated, Final, Literal

from pydantic import Field

from mooring_operator.api.base import (
    ApiModel,
    CaBundle,
    ObjectName,
    OneOf,
    OneStore,
    OwnSecretRef,
    SecretRef,
    fixed,
    matches,
    rule,
    rules,
)

MAX_CONTAINER: Final = 63
_DIGEST: Final = 16

Endpoint = Annotated[
    str,
    Field(
        max_length=253,
        json_schema_extra=rules(
            matches(
                r"^https?://[^/?#@[:space:]]+$",
                "an endpoint is http:// or https://, a host and perhaps a port, without a path "
                "or a trailing slash, as in https://s3.example.com:9000",
            )
        ),
    ),
]

Issuer = Annotated[
    str,
    Field(
        max_length=253,
        json_schema_extra=rules(
            matches(
                r"^https://[^?#@[:space:]]*[^/?#@[:space:]]$",
                "an issuer is the https:// URL that the API server has as "
                "--service-account-issuer, without a trailing slash",
            )
        ),
    ),
]

Prefix = Annotated[
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
                "!self.startsWith('/') && !self.endsWith('/') && !self.contains('//')",
                "prefix neither starts nor ends with '/', and has no '//'",
            ),
            rule(
                # what a policy reads as a pattern or a variable: stores/policies.py
                "self.replace('{namespace}/{name}', '').matches(r\"^[A-Za-z0-9!_.'()/-]*$\")",
                "prefix is made of letters, digits and !_.'()/- beside {namespace}/{name}",
            ),
            fixed("the artifacts"),
        ),
    ),
]


class ServiceEndpoint(ApiModel):
    """Where an API answers."""

    endpoint: Annotated[Endpoint, Field(description="URL of the API.")]


class S3Store(ApiModel):
    """An S3 bucket, and the IAM and STS APIs that guard it."""

    endpoint: Annotated[
        Endpoint | None, Field(description="URL of the S3 API; left out on AWS itself.")
    ] = None
    region: Annotated[
        str,
        Field(
            max_length=64,
            description="Region.",
            json_schema_extra=rules(
                matches(r"^[-_.A-Za-z0-9]+$", "a region is one word, as in eu-central-1")
            ),
        ),
    ] = "us-east-1"
    bucket: Annotated[
        str,
        Field(
            max_length=256,
            description="The bucket that all workspaces of the class share, each under its prefix.",
            json_schema_extra=rules(
                matches(
                    r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
                    "a bucket name has 3 to 63 characters: a-z, 0-9, '-' and '.', and starts and "
                    "ends with a letter or a digit",
                ),
                fixed("the artifacts"),
            ),
        ),
    ]
    prefix: Prefix = "{namespace}/{name}"
    iam: Annotated[
        ServiceEndpoint | None, Field(description="The IAM API; left out on AWS itself.")
    ] = None
    sts: Annotated[
        ServiceEndpoint | None, Field(description="The STS API; left out on AWS itself.")
    ] = None
    ca_bundle: Annotated[
        CaBundle | None,
        Field(
            description="The authorities to trust at all three APIs, instead of the public ones; "
            "pods get them too."
        ),
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
        Issuer,
        Field(description="Issuer of the cluster's service account tokens (WorkloadIdentity)."),
    ] = "https://kubernetes.default.svc"


class AzureStore(ApiModel):
    """A storage account of Azure; each workspace gets a container and a signature for it alone."""

    account: Annotated[
        str,
        Field(
            max_length=256,
            description="Name of the storage account.",
            json_schema_extra=rules(
                matches(
                    r"^[a-z0-9]{3,24}$",
                    "the name of a storage account has 3 to 24 characters: a-z and 0-9",
                ),
                fixed("the artifacts"),
            ),
        ),
    ]
    endpoint: Annotated[
        str | None,
        Field(
            max_length=253,
            description="URL of the account's Blob service, as BlobEndpoint in a connection "
            "string; left out, https://ACCOUNT.blob.core.windows.net.",
            json_schema_extra=rules(
                matches(
                    r"^https?://[^/?#@[:space:]]+(/[a-z0-9]+)?$",
                    "the endpoint of an account is http:// or https://, a host and perhaps a port, "
                    "and on an emulator the account as path, without a trailing slash, as in "
                    "https://example.blob.core.usgovcloudapi.net",
                )
            ),
        ),
    ] = None
    admin_secret: Annotated[
        SecretRef, Field(description="Secret with AZURE_STORAGE_ACCESS_KEY, a key of the account.")
    ]

    @property
    def url(self) -> str:
        """Where the account's Blob service answers."""
        return self.endpoint or f"https://{self.account}.blob.core.windows.net"


class GcsStore(ApiModel):
    """A bucket of Google Cloud Storage, with one service account for all workspaces."""

    bucket: Annotated[
        str,
        Field(
            max_length=256,
            description="The bucket that all workspaces of the class share, each under its "
            "prefix; it must be there.",
            json_schema_extra=rules(
                matches(
                    r"^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$",
                    "a bucket name has 3 to 222 characters: a-z, 0-9, '-', '_' and '.', and starts "
                    "and ends with a letter or a digit",
                ),
                fixed("the artifacts"),
            ),
        ),
    ]
    prefix: Prefix = "{namespace}/{name}"
    endpoint: Annotated[
        Endpoint | None,
        Field(description="URL of the API of an emulator; left out at Google itself."),
    ] = None
    key_secret: Annotated[
        SecretRef,
        Field(
            description="Secret with google.json, the key file of a service account that may do "
            "all with the objects of the bucket. Every workspace of the class gets this key, so "
            "the prefix alone keeps them apart: make a class for each team that must not reach "
            "another's artifacts, or let its workspaces be Proxied."
        ),
    ]


class VolumeStore(ApiModel):
    """A volume for each workspace, for a cluster without an object store.

    Only the tracking server mounts it, so artifacts go through the server.
    """

    storage_class: Annotated[
        ObjectName | None, Field(description="StorageClass; left out, the default one.")
    ] = None
    size: Annotated[
        str,
        Field(
            max_length=32,
            description="Size of the volume of a workspace that is made from now on.",
            json_schema_extra=rules(
                rule(
                    "isQuantity(self) && quantity(self).isGreaterThan(quantity('0'))",
                    "size is a quantity above zero, as in 10Gi",
                )
            ),
        ),
    ] = "10Gi"
    access_mode: Annotated[
        Literal["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"],
        Field(description="Access mode of the volume; one server mounts it at a time anyway."),
    ] = "ReadWriteOnce"


class ExistingArtifacts(ApiModel):
    """A prefix in an S3 bucket, with a key for it that the team has."""

    uri: Annotated[
        str,
        Field(
            max_length=512,
            description="s3://BUCKET/PREFIX, where the artifacts lie.",
            json_schema_extra=rules(
                matches(
                    r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.()-]+)+$",
                    "uri is s3://BUCKET/PREFIX without a slash at its end, as in "
                    "s3://team-a/mlflow; a prefix has letters, digits and !_.()-",
                )
            ),
        ),
    ]
    secret_ref: Annotated[
        OwnSecretRef,
        Field(
            description="Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of a user that "
            "may get, put, delete and list below the uri. It may also have AWS_DEFAULT_REGION, "
            "MLFLOW_S3_ENDPOINT_URL (left out: AWS itself) and ca.crt (authorities, as PEM)."
        ),
    ]


class OwnArtifactStore(OneOf):
    """The artifact store that a workspace uses instead of its class's."""

    existing: Annotated[
        ExistingArtifacts | None, Field(description="A store and a key that the team has.")
    ] = None


Store = S3Store | AzureStore | GcsStore | VolumeStore | ExistingArtifacts


class ArtifactStore(OneStore):
    """Where artifacts lie: exactly one store."""

    s3: Annotated[S3Store | None, Field(description="An S3 bucket.")] = None
    azure: Annotated[AzureStore | None, Field(description="A storage account of Azure.")] = None
    gcs: Annotated[GcsStore | None, Field(description="A bucket of Google Cloud Storage.")] = None
    volume: Annotated[
        VolumeStore | None,
        Field(description="A volume of the tracking server, through which artifacts go then."),
    ] = None

    @property
    def chosen(self) -> Store:
        """The store that is set."""
        store: Store = self.only
        return store


class EffectiveArtifactStore(ArtifactStore):
    """The store of one workspace: its class's, or its own."""

    existing: ExistingArtifacts | None = None


def artifact_prefix(store: S3Store | GcsStore, namespace: str, name: str) -> str:
    """Prefix of a workspace's objects in the bucket, without slashes at its ends."""
    return store.prefix.replace("{namespace}", namespace).replace("{name}", name)


def container_name(namespace: str, name: str) -> str:
    """Name of a workspace's container in a storage account: unique, and one that Azure takes.

    Azure takes 3 to 63 of a-z, 0-9 and '-', without two '-' in a row. The readable half may be the
    same for two workspaces, the digest is not.
    """
    digest = hashlib.sha256(f"{namespace}/{name}".encode()).hexdigest()[:_DIGEST]
    readable = re.sub("[^a-z0-9]+", "-", f"mooring-{namespace}-{name}")
    return f"{readable[: MAX_CONTAINER - _DIGEST - 1].rstrip('-')}-{digest}"

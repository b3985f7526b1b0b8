"""S3: the bucket of a class, and one that a team has."""

from typing import Annotated, Literal

from pydantic import Field

from mooring_operator.api.base import (
    ApiModel,
    CaBundle,
    OwnSecretRef,
    SecretRef,
    fixed,
    matches,
    rule,
    rules,
)
from mooring_operator.api.place import Endpoint, Prefix, own_name

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


class ServiceEndpoint(ApiModel):
    """Where an API answers."""

    endpoint: Annotated[Endpoint, Field(description="URL of the API.")]


class Encryption(ApiModel):
    """How the store encrypts what is uploaded."""

    model_config = ApiModel.model_config | {
        "json_schema_extra": rules(
            rule(
                "self.type == 'KMS' || !has(self.kmsKeyId)",
                "kmsKeyId goes with type KMS: AES256 has no key of its own",
                fieldPath=".kmsKeyId",
            )
        )
    }

    type: Annotated[
        Literal["AES256", "KMS"],
        Field(description="AES256: with keys of the store (SSE-S3). KMS: with a key of a KMS."),
    ]
    kms_key_id: Annotated[
        str | None,
        Field(
            max_length=256,
            description="ARN of the key, which the role or user of each workspace may then use; "
            "left out, the account's key for S3.",
            json_schema_extra=rules(
                matches(
                    r"^arn:aws[-a-z]*:kms:[-a-z0-9]+:[0-9]{12}:key/[-A-Za-z0-9]+$",
                    "kmsKeyId is the ARN of a key, as in arn:aws:kms:eu-central-1:111122223333:"
                    "key/1234abcd-12ab-34cd-56ef-1234567890ab: a policy takes no alias",
                )
            ),
        ),
    ] = None


class S3Store(ApiModel):
    """An S3 bucket, or one for each workspace, and the IAM and STS APIs that guard it."""

    model_config = ApiModel.model_config | {
        "json_schema_extra": rules(
            rule(
                "has(self.bucket) != has(self.bucketTemplate)",
                "set exactly one of bucket, which all workspaces share, and bucketTemplate, by "
                "which each gets its own",
            ),
            fixed("the artifacts") | {"rule": "has(self.bucket) == has(oldSelf.bucket)"},
        )
    }

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
        str | None,
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
    ] = None
    bucket_template: Annotated[
        str | None,
        Field(
            max_length=63,
            description="Name of the bucket that each workspace gets for itself; {namespace} and "
            "{name} are filled in, the end is cut to what S3 takes, and a digest is put behind it.",
            json_schema_extra=rules(
                rule(
                    "self.contains('{namespace}') && self.contains('{name}')",
                    "bucketTemplate must contain {namespace} and {name}, as in "
                    "mlflow-{namespace}-{name}",
                ),
                rule(
                    "self.replace('{namespace}', 'x').replace('{name}', 'x')"
                    ".matches('^[a-z0-9][a-z0-9-]*$')",
                    "bucketTemplate is made of a-z, 0-9 and '-' beside {namespace} and {name}, and "
                    "does not begin with '-'",
                ),
                fixed("the artifacts"),
            ),
        ),
    ] = None
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
    encryption: Annotated[
        Encryption | None,
        Field(
            description="What MLflow and the guard ask for with each upload from now on; left out, "
            "the bucket's default. A bucket policy alone can refuse the uploads of others."
        ),
    ] = None
    admin_secret: Annotated[
        SecretRef,
        Field(
            description="Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of a user that "
            "may manage users, roles and the bucket, or with bucketTemplate buckets and their tags."
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


def bucket_of(store: S3Store, namespace: str, name: str) -> str:
    """Name of the bucket that a workspace's objects lie in: the class's, or its own."""
    if store.bucket_template is None:
        return store.bucket or ""
    readable = store.bucket_template.replace("{namespace}", namespace).replace("{name}", name)
    return own_name(readable, namespace, name)

"""The policy documents of a grant. Pure.

The permissions are the fewest that every MLflow 3.17 artifact call, `mlflow gc` and an upload
that is given up midway need, found by removing actions one by one.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from mooring.contract import AWS_AUDIENCE
from mooring_operator.stores.errors import Reason, StoreError

Document = Mapping[str, Any]

POLICY_NAME: Final = "artifacts"
"""Name of the one inline policy of a role or user."""

_MARK: Final = "MooringCluster"
_VERSION: Final = "2012-10-17"
_PLAIN: Final = re.compile(r"[A-Za-z0-9!_.'()/-]+")


def store_policy(
    bucket: str, prefix: str, kms_key: str | None = None, cluster: str | None = None
) -> Document:
    """Policy that allows the objects below `prefix` of `bucket` and nothing else.

    The condition is `prefix/*` alone: with `prefix` beside it, a list call would also show the
    keys of a sibling whose name begins with the same letters. With `kms_key`, the ARN of a key,
    it also allows what S3 asks of a caller whose objects are encrypted with that key, see
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html. It bears the mark
    of `cluster`, see `mark`, in the id of its first statement.
    StoreError when `prefix` has a character that a policy reads as a pattern or a variable.
    """
    if not _PLAIN.fullmatch(prefix) or prefix.strip("/") != prefix:
        raise StoreError(
            Reason.INVALID_PREFIX,
            f"prefix {prefix!r} in bucket {bucket}: a prefix is letters, digits and !_.'()/- "
            "without a slash at either end ('*', '?' and '$' mean more in a policy): correct "
            "artifactStore.s3.prefix.",
            transient=False,
        )
    key = {
        "Effect": "Allow",
        "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
        "Resource": kms_key,
    }
    return {
        "Version": _VERSION,
        "Statement": [
            {
                **({"Sid": mark(cluster)} if cluster else {}),
                "Effect": "Allow",
                "Action": [
                    "s3:GetObject",
                    "s3:PutObject",
                    "s3:DeleteObject",
                    "s3:AbortMultipartUpload",
                ],
                "Resource": f"arn:aws:s3:::{bucket}/{prefix}/*",
            },
            {
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": f"arn:aws:s3:::{bucket}",
                "Condition": {"StringLike": {"s3:prefix": f"{prefix}/*"}},
            },
            *([key] if kms_key else []),
        ],
    }


def mark(cluster: str) -> str:
    """What an id of a statement may be, letters and digits, for the uid of a cluster.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html
    """
    return _MARK + "".join(filter(str.isalnum, cluster))


def mark_of(policy: Document) -> str | None:
    """The mark of the cluster whose operator wrote a store policy; None where it bears none."""
    found = re.search(rf"{_MARK}\w+", json.dumps(policy))
    return found[0] if found else None


def trust_policy(provider_arn: str, subjects: Iterable[str]) -> Document:
    """Policy that lets tokens of the provider with one of `subjects` assume the role."""
    provider = provider_arn.partition(":oidc-provider/")[2]
    return {
        "Version": _VERSION,
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": provider_arn},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {f"{provider}:aud": AWS_AUDIENCE},
                    "StringLike": {f"{provider}:sub": sorted(set(subjects))},
                },
            }
        ],
    }


def provider_arn(account: str, issuer: str) -> str:
    """ARN that IAM gives the OIDC provider of `issuer`, an https:// URL."""
    return f"arn:aws:iam::{account}:oidc-provider/{issuer.removeprefix('https://')}"

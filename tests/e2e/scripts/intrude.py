"""Try everything on a workspace's objects with this pod's own credentials; tell what came of it."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError


def main(bucket: str, prefix: str, key: str, role: str) -> None:
    """Try on the object `key`, on others below `prefix`, and to assume `role`."""
    s3 = boto3.client("s3", endpoint_url=os.environ["MLFLOW_S3_ENDPOINT_URL"])
    sts = boto3.client("sts")
    token = Path(os.environ["AWS_WEB_IDENTITY_TOKEN_FILE"]).read_text()
    one = {"Bucket": bucket, "Key": key}
    copied = {
        "Bucket": bucket,
        "Key": f"{os.environ['MOORING_ARTIFACT_ROOT'].split('/', 3)[3]}/copy",
    }
    attempts: dict[str, Callable[[], Any]] = {
        "list": lambda: s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/"),
        "head": lambda: s3.head_object(**one),
        "read": lambda: s3.get_object(**one),
        "copy": lambda: s3.copy_object(CopySource=one, **copied),
        "overwrite": lambda: s3.put_object(**one, Body=b"overwritten"),
        "write": lambda: s3.put_object(Bucket=bucket, Key=f"{key}-new", Body=b"new"),
        "upload": lambda: s3.create_multipart_upload(Bucket=bucket, Key=f"{key}-parts"),
        "delete": lambda: s3.delete_object(**one),
        "assume role": lambda: sts.assume_role_with_web_identity(
            RoleArn=role, RoleSessionName="e2e", WebIdentityToken=token
        ),
    }
    for name, attempt in attempts.items():
        print(f"tried: {name}: {_outcome(attempt)}")


def _outcome(attempt: Callable[[], Any]) -> str:
    try:
        attempt()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "done"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("bucket", "prefix", "key", "role"):
        parser.add_argument(f"--{name}", required=True)
    main(**vars(parser.parse_args()))

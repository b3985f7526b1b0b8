"""Keys of the store that may do less than a workspace's own."""

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import botocore.session

from mooring import contract
from tests.integration.airflow.world import BUCKET, Workspace


@contextmanager
def limited_key(team: Workspace, actions: Sequence[str]) -> Iterator[dict[str, str]]:
    """The environment of a key that may do `actions` in the bucket, and nothing else."""
    iam: Any = botocore.session.get_session().create_client(
        "iam",
        endpoint_url=team.store.iam,
        region_name=team.store.region,
        aws_access_key_id=team.store.access_key_id,
        aws_secret_access_key=team.store.secret_access_key,
    )
    user = f"limited-{uuid.uuid4().hex[:8]}"
    places = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": places}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.create_user(UserName=user)
    iam.put_user_policy(UserName=user, PolicyName="s3", PolicyDocument=policy)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    yield {
        contract.AWS_ACCESS_KEY_ID: key["AccessKeyId"],
        contract.AWS_SECRET_ACCESS_KEY: key["SecretAccessKey"],
    }
    iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=user, PolicyName="s3")
    iam.delete_user(UserName=user)

"""What a pod does with the credentials it was given, and what an administrator sees."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from mooring.contract import AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
from mooring_operator.stores.protocol import S3Connection, StoreAccess, StoreGrant
from mooring_operator.stores.s3_iam import S3IamStore

OK = "OK"

_SESSION = Session()


def client(connection: S3Connection, key: Mapping[str, str], service: str = "s3") -> Any:
    """Client of `service` with `key`, which is named as a pod's environment names it."""
    endpoints = {"s3": connection.endpoint, "iam": connection.iam_endpoint}
    return _SESSION.create_client(
        service,
        region_name=connection.region,
        endpoint_url=endpoints[service],
        aws_access_key_id=key[AWS_ACCESS_KEY_ID],
        aws_secret_access_key=key[AWS_SECRET_ACCESS_KEY],
        config=Config(retries={"total_max_attempts": 1}),
    )


def admin(connection: S3Connection, service: str = "s3") -> Any:
    """Client of `service` as the administrator."""
    key = {
        AWS_ACCESS_KEY_ID: connection.access_key_id,
        AWS_SECRET_ACCESS_KEY: connection.secret_access_key,
    }
    return client(connection, key, service)


def outcome(call: Callable[..., Any], **parameters: Any) -> str:
    """`OK`, or the error code with which the server refused."""
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return OK


def new_key(store: S3IamStore, grant: StoreGrant) -> Mapping[str, str]:
    """Ensure `grant`, of which the caller holds no key, and return the key that was made."""
    return made(store.ensure(grant))


def made(access: StoreAccess) -> Mapping[str, str]:
    """Environment of `access`, which must have one."""
    assert access.env is not None
    return access.env

"""What a pod does with its SAS, and what the owner of the account sees: with Azure's own client."""

from collections.abc import Callable
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.storage.blob import ContainerClient

from mooring.contract import AZURE_CONNECTION_STRING
from mooring_operator.stores.azure import AzureBlobStore
from mooring_operator.stores.protocol import AzureConnection, StoreAccess, StoreGrant, held_key_id

OK = "OK"


def client(credential: str, container: str) -> ContainerClient:
    """Client of `container` with a connection string, as MLflow makes it."""
    return ContainerClient.from_connection_string(credential, container, retry_total=0)


def admin(connection: AzureConnection, container: str) -> ContainerClient:
    """Client of `container` with the key of the account."""
    return client(
        f"AccountName={connection.account};AccountKey={connection.account_key};"
        f"BlobEndpoint={connection.endpoint}",
        container,
    )


def outcome(call: Callable[..., Any], *arguments: Any, **parameters: Any) -> str:
    """`OK`, or the error code with which the service refused."""
    try:
        answer = call(*arguments, **parameters)
        if hasattr(answer, "by_page"):
            list(answer)
    except HttpResponseError as error:
        code = getattr(error, "error_code", None)
        return str(getattr(code, "value", code))
    return OK


def reach(credential: str, container: str) -> dict[str, str]:
    """What the holder of `credential` can do in `container`, where the blob x exists."""
    blobs = client(credential, container)
    return {
        "get": outcome(blobs.download_blob, "x"),
        "put": outcome(blobs.upload_blob, "y", b"y", overwrite=True),
        "list": outcome(blobs.list_blobs),
        "delete": outcome(blobs.delete_blob, "y"),
    }


def new_sas(store: AzureBlobStore, grant: StoreGrant) -> str:
    """Ensure `grant`, of which the caller holds no live SAS, and return the connection string."""
    return made(store.ensure(grant))


def made(access: StoreAccess) -> str:
    """Connection string of `access`, which must have one."""
    assert access.env is not None
    return access.env[AZURE_CONNECTION_STRING]


def id_of(credential: str) -> str:
    """Id of the stored access policy behind `credential`."""
    found = held_key_id({AZURE_CONNECTION_STRING: credential})
    assert found is not None
    return found


def policy_ids(connection: AzureConnection, container: str) -> list[str]:
    """Ids of the stored access policies of `container`."""
    found = admin(connection, container).get_container_access_policy()["signed_identifiers"]
    return [each.id for each in found]

"""Azure: the storage account of a class."""

import re
from typing import Annotated

from pydantic import Field

from mooring_operator.api.base import ApiModel, SecretRef, fixed, matches, rules
from mooring_operator.api.place import own_name


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


def container_name(namespace: str, name: str) -> str:
    """Name of a workspace's container in a storage account: unique, and one that Azure takes.

    Azure takes 3 to 63 of a-z, 0-9 and '-', without two '-' in a row.
    """
    readable = re.sub("[^a-z0-9]+", "-", f"mooring-{namespace}-{name}")
    return own_name(readable, namespace, name)

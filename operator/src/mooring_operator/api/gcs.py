"""Google Cloud Storage: the bucket of a class."""

from typing import Annotated

from pydantic import Field

from mooring_operator.api.base import ApiModel, SecretRef, fixed, matches, rules
from mooring_operator.api.place import Endpoint, Prefix


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

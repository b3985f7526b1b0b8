"""Where an object store answers, and where the objects of a workspace lie in it."""

import hashlib
from typing import Annotated, Final

from pydantic import Field

from mooring_operator.api.base import fixed, matches, rule, rules

MAX_NAME: Final = 63
"""Characters of a bucket's name on S3, and of a container's on Azure."""

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


def own_name(readable: str, namespace: str, name: str) -> str:
    """Name of what belongs to one workspace alone, at most MAX_NAME characters.

    `readable` may be the same for two workspaces and may be cut; the digest at the end is neither.
    """
    digest = hashlib.sha256(f"{namespace}/{name}".encode()).hexdigest()[:_DIGEST]
    return f"{readable[: MAX_NAME - _DIGEST - 1].rstrip('-')}-{digest}"

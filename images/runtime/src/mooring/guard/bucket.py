"""A bucket, and the credentials that requests to it are signed with."""

from dataclasses import dataclass, field
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Credentials:
    """What botocore's signer needs; `source` says in words where it comes from."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(repr=False)
    source: str


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket and how to sign for it."""

    endpoint: str
    name: str
    region: str
    ca_file: str
    credentials: Credentials

    def url(self, key: str) -> str:
        """The URL of an object: path style at an endpoint of its own, as boto3 does, else AWS's."""
        base = self.endpoint or f"https://s3.{self.region}.amazonaws.com"
        return f"{base.rstrip('/')}/{self.name}/{quote(key)}"

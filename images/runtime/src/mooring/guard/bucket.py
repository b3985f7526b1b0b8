"""A bucket, and the credentials that requests to it are signed with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote


class Call(Protocol):
    """A store of any kind that was opened with the pod's credentials."""

    def __call__(self, method: str, key: str, content: bytes = b"", /) -> bytes:
        """PUT, GET, LIST or DELETE the object `key`; the body of the answer, Refusal when refused.

        LIST gives the names of what begins with `key`, as the store has them.
        """


@dataclass(frozen=True, slots=True)
class Credentials:
    """What botocore's signer needs; `source` says in words where it comes from."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(repr=False)
    source: str


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket and how to sign for it; every upload carries `upload_headers`."""

    endpoint: str
    name: str
    region: str
    ca_file: str
    credentials: Credentials
    upload_headers: Mapping[str, str] = field(default_factory=dict)

    def url(self, key: str) -> str:
        """The URL of an object: path style at an endpoint of its own, as boto3 does, else AWS's."""
        return f"{self._base}/{quote(key)}"

    def listing(self, prefix: str) -> str:
        """The URL that lists the objects whose keys begin with `prefix`."""
        return f"{self._base}?list-type=2&prefix={quote(prefix, safe='')}"

    @property
    def _base(self) -> str:
        base = self.endpoint or f"https://s3.{self.region}.amazonaws.com"
        return f"{base.rstrip('/')}/{self.name}"

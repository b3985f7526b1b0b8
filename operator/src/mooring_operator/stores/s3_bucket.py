"""A bucket: the one of a class, or the one that a workspace has for itself."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mooring.contract import GROUP
from mooring_operator.stores.aws import Api, ApiError, apis
from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.protocol import S3Connection

OWNER_TAG: Final = f"{GROUP}/workspace"
"""Tag of a bucket that one workspace has for itself; its value is `S3Connection.owner`."""

NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
"""What S3 takes as the name of a bucket."""

SEEN_S: Final = 1.0
"""For how long a bucket that was there is not asked for again: a thousand workspaces share one."""

_SEEN: Final[dict[S3Connection, float]] = {}
"""Until when, by connection."""

_NOBODYS: Final = "mooring-nobodys-5f1d0c7e9b2a4836"
"""Name of a bucket that is not there."""


@dataclass(frozen=True, slots=True)
class S3Bucket:
    """The bucket of `connection`. Raises StoreError."""

    connection: S3Connection

    def check(self) -> None:
        """Prove the key at S3; have the bucket where the connection names one."""
        if self.connection.bucket:
            self.ensure()
        else:
            # whoever is told that it is not there, or not for them, was known
            self._s3.find("list_objects_v2", "NoSuchBucket", "AccessDenied", Bucket=_NOBODYS)

    def ensure(self) -> None:
        """Have the bucket, which its owner has for itself if there is one."""
        if not NAME.fullmatch(self.connection.bucket):
            raise self._bad_name()
        if self.connection.owner is None and time.monotonic() < _SEEN.get(self.connection, 0.0):
            return
        try:
            if not self._exists():
                self._create()
        except ApiError as error:
            if error.code == "InvalidBucketName":
                raise self._bad_name() from None
            if error.code == "BucketAlreadyExists":
                raise StoreError(
                    Reason.BUCKET_NOT_OWNED,
                    f"bucket {self.connection.bucket} at {self._s3.where} belongs to another "
                    f"account: set {self.connection.bucket_field} to another name.",
                    transient=False,
                ) from None
            raise
        if self.connection.owner:
            self._mark(self.connection.owner)
        else:
            _SEEN[self.connection] = time.monotonic() + SEEN_S

    def remove(self) -> None:
        """Delete the bucket if it has an owner for itself and is empty."""
        if self.connection.owner and self.is_owned():
            absent = ("NoSuchBucket", "BucketNotEmpty")
            self._s3.find("delete_bucket", *absent, Bucket=self.connection.bucket)

    def is_owned(self) -> bool:
        """Whether it bears its owner's mark, or needs none; StoreError when it bears another."""
        owner = self.connection.owner
        if owner is None:
            return True
        found = _named(self._tags()).get(OWNER_TAG)
        if found in {None, owner}:
            return found == owner
        raise self._taken(f"is tagged {OWNER_TAG}={found}", owner)

    @property
    def _s3(self) -> Api:
        return apis(self.connection).s3

    def _exists(self) -> bool:
        bucket = self.connection.bucket
        try:
            return self._s3.find("head_bucket", "404", Bucket=bucket) is not None
        except ApiError as error:
            if error.code not in {"400", "403"}:
                raise
        # An answer to HEAD has no body: a listing tells a wrong key from a foreign bucket.
        return self._lists("NoSuchBucket") is not None

    def _lists(self, *absent: str) -> Mapping[str, Any] | None:
        return self._s3.find("list_objects_v2", *absent, Bucket=self.connection.bucket, MaxKeys=1)

    def _create(self) -> None:
        bucket, region = self.connection.bucket, self.connection.region
        place = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        # AWS refuses its first region by name: a bucket there is made by naming none.
        extra = {} if region == "us-east-1" else place
        self._s3.find("create_bucket", "BucketAlreadyOwnedByYou", Bucket=bucket, **extra)

    def _mark(self, owner: str) -> None:
        """Tag the bucket unless it is tagged; one with objects and no tag is somebody else's.

        An empty one was made here by an operator that stopped before it had tagged it.
        """
        if self.is_owned():
            return
        if (self._lists() or {}).get("KeyCount"):
            raise self._taken("has objects and no such tag", owner)
        tags = [*self._tags(), {"Key": OWNER_TAG, "Value": owner}]
        self._s3.call("put_bucket_tagging", Bucket=self.connection.bucket, Tagging={"TagSet": tags})

    def _tags(self) -> list[Mapping[str, str]]:
        absent = ("NoSuchTagSet", "NoSuchBucket")
        found = self._s3.find("get_bucket_tagging", *absent, Bucket=self.connection.bucket)
        return list((found or {}).get("TagSet", []))

    def _taken(self, found: str, owner: str) -> StoreError:
        return StoreError(
            Reason.NAME_TAKEN,
            f"bucket {self.connection.bucket} at {self._s3.where} {found}, so it was not made for "
            f"this workspace: tag it {OWNER_TAG}={owner} to hand it over, or delete it.",
            transient=False,
        )

    def _bad_name(self) -> StoreError:
        return StoreError(
            Reason.INVALID_BUCKET_NAME,
            f"{self.connection.bucket!r} is not allowed as the name of a bucket: set "
            f"{self.connection.bucket_field} to 3 to 63 of a-z, 0-9, '-' and '.', with a letter "
            "or a digit at both ends.",
            transient=False,
        )


def _named(tags: list[Mapping[str, str]]) -> Mapping[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}

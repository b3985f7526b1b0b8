"""The objects of one workspace in an S3 bucket, with every version and every unfinished upload."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mooring_operator.stores.aws import Api, apis
from mooring_operator.stores.contents import Objects, counted
from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.protocol import S3Connection
from mooring_operator.stores.s3_bucket import S3Bucket

_MISSING: Final = "NoSuchBucket"


@dataclass(frozen=True, slots=True)
class S3Data:
    """The objects below `prefix`, which has no slash at either end; see `contents.ArtifactData`.

    What is asked for is `prefix/`: a sibling whose name begins with the same letters is another's.
    """

    connection: S3Connection
    prefix: str

    def measure(self, limit: int) -> Objects:
        """Count versions, and stop after the page with which `limit` is reached."""
        return counted(self._sizes(), limit)

    def remove(self) -> int:
        """Delete a page of versions and delete markers, else abort a page of uploads.

        A bucket that the workspace has for itself goes last; StoreError when it is another's.
        """
        bucket = S3Bucket(self.connection)
        bucket.is_owned()
        page = next(self._pages(), {})
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if not found:
            aborted = self._abort_uploads()
            if not aborted:
                bucket.remove()
            return aborted
        keys = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        answer = self._s3.call(
            "delete_objects", Bucket=self.connection.bucket, Delete={"Objects": keys, "Quiet": True}
        )
        # the call is answered with 200 whatever becomes of the single object
        for refused in answer.get("Errors", []):
            raise self._refused(refused)
        return len(keys)

    @property
    def _s3(self) -> Api:
        return apis(self.connection).s3

    def _sizes(self) -> Iterator[tuple[list[int], bool]]:
        told: tuple[str, str] | None = None
        for page in self._pages():
            # versitygw 1.8.0 begins a page with the version that the marker names, AWS after it
            versions = [v for v in page.get("Versions", []) if (v["Key"], v["VersionId"]) != told]
            told = page.get("NextKeyMarker", ""), page.get("NextVersionIdMarker", "")
            yield [each.get("Size", 0) for each in versions], page["IsTruncated"]

    def _pages(self) -> Iterator[Mapping[str, Any]]:
        after: dict[str, str] = {}
        while True:
            page = self._s3.find(
                "list_object_versions",
                _MISSING,
                Bucket=self.connection.bucket,
                Prefix=f"{self.prefix}/",
                **after,
            )
            if page is None:
                return
            yield page
            if not page["IsTruncated"]:
                return
            after = {"KeyMarker": page["NextKeyMarker"]}
            if page.get("NextVersionIdMarker"):
                after["VersionIdMarker"] = page["NextVersionIdMarker"]

    def _abort_uploads(self) -> int:
        bucket = self.connection.bucket
        page = self._s3.find(
            "list_multipart_uploads", _MISSING, Bucket=bucket, Prefix=f"{self.prefix}/"
        )
        uploads = (page or {}).get("Uploads", [])
        for each in uploads:
            self._s3.find(
                "abort_multipart_upload",
                "NoSuchUpload",
                Bucket=bucket,
                Key=each["Key"],
                UploadId=each["UploadId"],
            )
        return len(uploads)

    def _refused(self, error: Mapping[str, str]) -> StoreError:
        return StoreError(
            Reason.ACCESS_DENIED,
            f"S3 at {self._s3.where} does not delete {error.get('Key')} of bucket "
            f"{self.connection.bucket} ({error.get('Code')}): {error.get('Message', '')} Let the "
            "user of artifactStore.s3.adminSecret do s3:DeleteObject and s3:DeleteObjectVersion; "
            "an object that is locked can be deleted when its retention is over.",
            transient=error.get("Code") in {"InternalError", "SlowDown"},
        )

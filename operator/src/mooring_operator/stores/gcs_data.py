"""The objects of one workspace in a bucket of Google Cloud Storage, with every version."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from mooring_operator.stores.contents import Objects, counted
from mooring_operator.stores.gcs_api import delete_object, list_objects
from mooring_operator.stores.protocol import GcsConnection

_AT_ONCE: Final = 8
"""Deletions under way at the same time: each is a request of its own."""
_SLICE: Final = 200


@dataclass(frozen=True, slots=True)
class GcsData:
    """The objects below `prefix`, which has no slash at either end; see `contents.ArtifactData`.

    What is asked for is `prefix/`: a sibling whose name begins with the same letters is another's.
    """

    connection: GcsConnection
    prefix: str

    def measure(self, limit: int) -> Objects:
        """Count versions, and stop after the page with which `limit` is reached."""
        sizes = (
            ([int(each.get("size", 0)) for each in page.get("items", [])], "nextPageToken" in page)
            for page in self._pages(1000)
        )
        return counted(sizes, limit)

    def remove(self) -> int:
        """Delete a page of versions."""
        found = next(self._pages(_SLICE)).get("items", [])

        def delete(item: dict[str, Any]) -> None:
            delete_object(self.connection, item["name"], item["generation"])

        with ThreadPoolExecutor(_AT_ONCE) as threads:
            list(threads.map(delete, found))
        return len(found)

    def _pages(self, size: int) -> Iterator[dict[str, Any]]:
        query = {"prefix": f"{self.prefix}/", "versions": "true", "maxResults": str(size)}
        token = ""
        while True:
            page = list_objects(self.connection, query | ({"pageToken": token} if token else {}))
            yield page
            token = page.get("nextPageToken", "")
            if not token:
                return

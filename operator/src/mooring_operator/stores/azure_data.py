"""The container of one workspace in a storage account, with all that is in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET

from mooring_operator.stores.azure_api import call, not_the_api
from mooring_operator.stores.contents import Objects, counted
from mooring_operator.stores.protocol import AzureConnection

_CONTAINER: Final = {"restype": "container"}
_MISSING: Final = "ContainerNotFound"


@dataclass(frozen=True, slots=True)
class AzureData:
    """The blobs of `container`; see `contents.ArtifactData`."""

    connection: AzureConnection
    container: str

    def measure(self, limit: int) -> Objects:
        """Count blobs, and stop after the page with which `limit` is reached."""
        return counted(self._sizes(), limit)

    def remove(self) -> int:
        """Delete the container, which takes everything in it along; nothing is left then."""
        call(self.connection, "DELETE", self.container, _CONTAINER, absent=_MISSING)
        return 0

    def _sizes(self) -> Iterator[tuple[list[int], bool]]:
        marker = ""
        while (page := self._page(marker)) is not None:
            marker = page.findtext("NextMarker") or ""
            yield [int(each.text or 0) for each in page.iter("Content-Length")], bool(marker)
            if not marker:
                return

    def _page(self, marker: str) -> ET.Element | None:
        """A page of the listing; None when the container is missing."""
        query = {**_CONTAINER, "comp": "list", **({"marker": marker} if marker else {})}
        answer = call(self.connection, "GET", self.container, query, absent=_MISSING)
        if answer is None:
            return None
        try:
            root = ET.fromstring(answer.body)  # noqa: S314 (from the configured store; expat bounds entities)
        except ET.ParseError:
            raise not_the_api(self.connection) from None
        if root.tag != "EnumerationResults":
            raise not_the_api(self.connection)
        return root

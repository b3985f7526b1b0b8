"""Watches of what the operator made, and of Secrets: by metadata alone, and without a memory.

kopf's watch hands over whole objects, keeps a memory and a task for each, and tells nobody of what
was deleted between a 410 Gone and the next list. Here the API server leaves specs and the values
of Secrets out, nothing is kept but a resource version, and a gap is answered by a look at
everything (docs/decisions/0004-children-are-watched-by-metadata.md).
"""

import threading
from collections.abc import Callable, Iterator
from typing import Final, Protocol

import structlog

from mooring_operator.kube import Kind, KubeError, Manifest

log = structlog.get_logger()

PAUSE_S: Final = 1.0
ABSENT_PAUSE_S: Final = 30.0
"""Between looks for a kind that the API server does not know: its CRD may come later."""


class Watched(Protocol):
    """What a stream needs of the API server."""

    def version(self, kind: Kind, labels: str, fields: str = "") -> str:
        """See `ApiServer.version`."""

    def watch(
        self, kind: Kind, labels: str, since: str, fields: str = ""
    ) -> Iterator[tuple[str, Manifest]]:
        """See `ApiServer.watch`."""


class Stream:
    """Tells of every change of the objects of one kind that the selectors name.

    `changed` gets the metadata of an object that was made, changed or deleted, as it was last;
    `missed` is called when there may have been changes that nobody told of. Both are called from
    the stream's thread. `fields` is a selector of fields, `only` a type of events if one alone is
    wanted: DELETED comes of what was deleted, and of what the selectors take no more.
    """

    def __init__(
        self,
        server: Watched,
        kind: Kind,
        labels: str,
        changed: Callable[[Manifest], None],
        missed: Callable[[], None],
        *,
        fields: str = "",
        only: str = "",
    ) -> None:
        self._fields = fields
        self._only = only
        self._server = server
        self._kind = kind
        self._labels = labels
        self._changed = changed
        self._missed = missed
        self._since = ""
        name = f"watch {kind.plural}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Return once changes from now on will be told, or cannot be asked for yet."""
        try:
            self._since = self._version()
        except KubeError as error:
            self._explain(error)
        self._thread.start()

    def alive(self) -> bool:
        """Whether it still follows the API server; a stream never ends by itself."""
        return self._thread.is_alive()

    def _run(self) -> None:
        # the process ends when it is told to, and its daemon threads with it
        pause = threading.Event()
        while True:
            try:
                self.follow()
            except KubeError as error:
                if error.status == 410:
                    continue
                self._explain(error)
                pause.wait(ABSENT_PAUSE_S if error.status == 404 else PAUSE_S)

    def follow(self) -> None:
        """Tell of changes until the API server ends the watch; raises KubeError."""
        if not self._since:
            self._since = self._version()
            self._missed()
        try:
            for event, metadata in self._server.watch(
                self._kind, self._labels, self._since, self._fields
            ):
                self._since = metadata["resourceVersion"]
                if event == self._only or (not self._only and event != "BOOKMARK"):
                    self._changed(metadata)
        except KubeError as error:
            if error.status == 410:
                log.info("a watch lost its place", kind=self._kind.kind)
                self._since = ""
            raise

    def _version(self) -> str:
        return self._server.version(self._kind, self._labels, self._fields)

    def _explain(self, error: KubeError) -> None:
        level = log.info if error.status in {0, 404} else log.warning
        level("a watch ended", kind=self._kind.kind, status=error.status, error=str(error))

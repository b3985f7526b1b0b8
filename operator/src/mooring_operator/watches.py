"""The watches: the only module with kopf decorators. An event only ever becomes keys.

| watched | by | why |
|---|---|---|
| classes, workspaces, bindings | kopf | their owners changed what they want |
| Namespaces | a metadata stream | a workspace may admit them by their labels |
| what the operator made, and its pods | metadata streams | someone changed or deleted it; the server became available, a proof ended |
| bound pods that have not ended | a metadata stream | one that ends may leave a run behind that says RUNNING |
| pods without a binding, once made | a metadata stream | one that runs an MLflow client is told |
| other Secrets and ConfigMaps | metadata streams | one that a class or a workspace names changed |
"""  # noqa: E501 (a table)

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol

import kopf

from mooring.contract import BINDING_LABEL, GROUP, VERSION
from mooring_operator.apiserver import connection_info
from mooring_operator.kube import (
    BINDING,
    CONFIG_MAP,
    KINDS,
    NAMESPACE,
    POD,
    SECRET,
    WORKSPACE,
    WORKSPACE_CLASS,
    Kind,
)
from mooring_operator.plan.metadata import MANAGED_SELECTOR, UNMANAGED_SELECTOR, is_managed
from mooring_operator.plan.reaping import LIVING
from mooring_operator.plan.unmoored import SELECTOR as UNBOUND_SELECTOR
from mooring_operator.queue import Key
from mooring_operator.reconcile.triggers import Triggers
from mooring_operator.streams import Stream, Watched

OWN: Final = (WORKSPACE_CLASS, WORKSPACE, BINDING)
CHILDREN: Final = (*(kind for kind in KINDS.values() if kind not in OWN), POD)
NAMED: Final = (SECRET, CONFIG_MAP)
LISTED: Final = (
    *((kind, "") for kind in OWN),
    *((kind, MANAGED_SELECTOR) for kind in CHILDREN if kind != POD),
)
"""What pipelines read one by one, with the label selector of what they read."""
_OWN_BY_NAME: Final = {kind.kind: kind for kind in OWN}
PENDING: Final = "status.phase=Pending"
"""Every pod begins so, and most of its events come later."""
BEAT_S: Final = 0.5
STILL_LIMIT_S: Final = 60.0
STREAMS: Final = len(CHILDREN) + len(NAMED) + 3


class Enqueue(Protocol):
    """See `WorkQueue.add`."""

    def __call__(self, key: Key, *, first: bool) -> None:
        """Have `key` reconciled soon."""


class Watches:
    """All watches, which feed `enqueue`; `missed` is called when events may have been lost.

    `news` is told of each event first, and calls back if anybody else than the operator caused it.
    `ended` is told of each bound pod that has ended, or is gone: its workspace, and its metadata;
    `unbound` of the metadata of each pod without a binding that is made beside one.
    """

    def __init__(
        self,
        server: Watched,
        enqueue: Enqueue,
        news: Callable[[Kind, Mapping[str, Any], Callable[[], None]], None],
        missed: Callable[[], None],
        *,
        ended: Callable[[Key, Mapping[str, Any]], None],
        unbound: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._ended = ended
        self._unbound = unbound
        self._enqueue = enqueue
        self._news = news
        self._missed = missed
        self._triggers = Triggers()
        self._streams = self._metadata_streams(server)
        self._beat: float | None = None

    def start(self) -> None:
        """Start the streams: whatever is read afterwards and changes later will be told."""
        for stream in self._streams:
            stream.start()

    def run(self, stop: threading.Event) -> None:
        """Run kopf's watches until `stop` is set, or kopf gets SIGTERM or SIGINT.

        Raises what ended a watch, so that the process ends with it and is started anew.
        """
        asyncio.run(self._run_kopf(stop))

    def trouble(self) -> str:
        """What only a restart of the process mends; empty while all is well."""
        if self._beat is None:
            return ""
        still = time.monotonic() - self._beat
        if still > STILL_LIMIT_S:
            return f"kopf's event loop has stood still for {still:.0f} s"
        return "" if all(stream.alive() for stream in self._streams) else "a stream has ended"

    async def _run_kopf(self, stop: threading.Event) -> None:
        told = asyncio.Event()
        beat = asyncio.create_task(self._keep_beat(stop, told))
        try:
            await kopf.operator(
                registry=self._registry(), settings=settings(), clusterwide=True, stop_flag=told
            )
        finally:
            beat.cancel()

    async def _keep_beat(self, stop: threading.Event, told: asyncio.Event) -> None:
        while True:
            self._beat = time.monotonic()
            if stop.is_set():
                told.set()
            await asyncio.sleep(BEAT_S)

    def _metadata_streams(self, server: Watched) -> list[Stream]:

        def child(kind: Kind, metadata: dict[str, Any]) -> None:
            self._news(kind, metadata, lambda: self._add(self._triggers.child(kind, metadata)))

        def named(kind: Kind, metadata: dict[str, Any]) -> None:
            # one of its readers may have read it already, but not the others
            self._news(kind, metadata, lambda: None)
            self._add(self._triggers.named(kind, metadata))

        def ended(metadata: dict[str, Any]) -> None:
            workspace = self._triggers.ended(metadata)
            if workspace is not None:
                self._ended(workspace, metadata)

        def unbound(metadata: dict[str, Any]) -> None:
            if self._triggers.has_binding(metadata["namespace"]):
                self._unbound(metadata)

        def namespace(metadata: dict[str, Any]) -> None:
            self._add(self._triggers.namespace(metadata))

        wanted = [(kind, MANAGED_SELECTOR, child) for kind in CHILDREN]
        wanted += [(kind, UNMANAGED_SELECTOR, named) for kind in NAMED]
        streams = [
            Stream(server, kind, labels, partial(changed, kind), self._missed)
            for kind, labels, changed in wanted
        ]
        bound = Stream(
            server, POD, BINDING_LABEL, ended, self._missed, fields=LIVING, only="DELETED"
        )
        made = Stream(
            server, POD, UNBOUND_SELECTOR, unbound, self._missed, fields=PENDING, only="ADDED"
        )
        labels = Stream(server, NAMESPACE, "", namespace, self._missed)
        return [*streams, bound, made, labels]

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()

        async def own(event: kopf.RawEvent, **_: Any) -> None:
            # the object as it came: what kopf puts around it takes twice as long to ask
            how, body = event["type"], event["object"]
            if how is None and self._triggers.knows(body):
                # listed a second time: kopf does not tell what was deleted since the first
                self._missed()
            # what counts as news of our own kinds is for the triggers to say
            keys = self._triggers.own(how, body)
            # somebody has just changed the object and waits for it; for what was listed nobody does
            first = keys[:1] if how is not None else []
            kind = _OWN_BY_NAME[body["kind"]]
            self._news(kind, body["metadata"], lambda: self._add(first, first=True))
            self._add(keys)

        kopf.on.login(registry=registry)(_login)
        for kind in OWN:
            kopf.on.event(GROUP, VERSION, kind.plural, registry=registry)(own)
        return registry

    def _add(self, keys: list[Key], *, first: bool = False) -> None:
        for key in keys:
            self._enqueue(key, first=first)


def is_watched(kind: Kind, live: Mapping[str, Any]) -> bool:
    """Whether every change of a live object of this kind will be told."""
    labels = live["metadata"].get("labels", {})
    return kind in OWN or kind in NAMED or (kind in CHILDREN and is_managed(labels))


async def _login(**_: Any) -> kopf.ConnectionInfo:
    return connection_info()


class _NoDiffs(kopf.DiffBaseStorage):
    """What each object was before: nothing, because no handler here asks for a difference.

    kopf copies each object deeply, for each of its events, to make what this would keep.
    """

    def build(self, *, body: kopf.Body, extra_fields: Any = None) -> kopf.BodyEssence:  # noqa: ARG002
        """Nothing of the object counts."""
        return kopf.BodyEssence()

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:  # noqa: ARG002
        """Nothing was kept."""
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Nothing is kept."""


class _NoProgress(kopf.ProgressStorage):
    """How far handlers are: nothing, because `on.event` has no progress to keep.

    kopf looks through each object's annotations and status for it, for each event.
    """

    def fetch(self, *, key: Any, body: kopf.Body) -> None:
        """Nothing was kept."""

    def store(self, *, key: Any, record: Any, body: kopf.Body, patch: kopf.Patch) -> None:
        """Nothing is kept."""

    def purge(self, *, key: Any, body: kopf.Body, patch: kopf.Patch) -> None:
        """Nothing is kept."""

    def touch(self, *, body: kopf.Body, patch: kopf.Patch, value: str | None) -> None:
        """Nothing is kept."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """Nothing is in it."""
        return essence


def settings() -> kopf.OperatorSettings:
    """How kopf watches: alone, without writing anything of its own."""
    result = kopf.OperatorSettings()
    result.peering.standalone = True
    result.persistence.diffbase_storage = _NoDiffs()
    result.persistence.progress_storage = _NoProgress()
    result.posting.enabled = False
    result.scanning.disabled = True
    # a worker for each object, with all of it, for as long as this: thousands after a list
    result.queueing.idle_timeout = 0.1
    result.watching.server_timeout = 270
    result.watching.chunk_size = 100
    result.networking.request_timeout = 30
    result.networking.connect_timeout = 5
    return result

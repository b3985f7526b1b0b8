"""The watches: the only module with kopf decorators. An event only ever becomes keys.

| watched | by | why |
|---|---|---|
| classes, workspaces, bindings | kopf | their owners changed what they want |
| Namespaces | kopf | a workspace may admit them by their labels |
| what the operator made, and its pods | metadata streams | someone changed or deleted it; the server became available, a proof ended |
| other Secrets and ConfigMaps | metadata streams | one that a class or a workspace names changed |
"""  # noqa: E501 (a table)

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol

import kopf

from mooring.contract import GROUP, VERSION
from mooring_operator.apiserver import connection_info
from mooring_operator.kube import (
    BINDING,
    CONFIG_MAP,
    KINDS,
    POD,
    SECRET,
    WORKSPACE,
    WORKSPACE_CLASS,
    Kind,
)
from mooring_operator.plan.metadata import MANAGED_SELECTOR, UNMANAGED_SELECTOR, is_managed
from mooring_operator.queue import Key
from mooring_operator.reconcile.triggers import Triggers
from mooring_operator.streams import Stream, Watched

OWN: Final = (WORKSPACE_CLASS, WORKSPACE, BINDING)
CHILDREN: Final = (*(kind for kind in KINDS.values() if kind not in OWN), POD)
NAMED: Final = (SECRET, CONFIG_MAP)
_OWN_BY_NAME: Final = {kind.kind: kind for kind in OWN}
STREAMS: Final = len(CHILDREN) + len(NAMED)


class Enqueue(Protocol):
    """See `WorkQueue.add`."""

    def __call__(self, key: Key, *, first: bool) -> None:
        """Have `key` reconciled soon."""


class Watches:
    """All watches, which feed `enqueue`; `missed` is called when events may have been lost.

    `news` is told of each event first, and says whether anybody else than the operator caused it.
    """

    def __init__(
        self,
        enqueue: Enqueue,
        news: Callable[[Kind, Mapping[str, Any]], bool],
        missed: Callable[[], None],
    ) -> None:
        self._enqueue = enqueue
        self._news = news
        self._missed = missed
        self._triggers = Triggers()

    def streams(self, server: Watched) -> list[Stream]:
        """The metadata streams, not started yet."""

        def child(kind: Kind, metadata: dict[str, Any]) -> None:
            if self._news(kind, metadata):
                self._add(self._triggers.child(kind, metadata))

        def named(kind: Kind, metadata: dict[str, Any]) -> None:
            self._news(kind, metadata)
            self._add(self._triggers.named(kind, metadata))

        wanted = [(kind, MANAGED_SELECTOR, child) for kind in CHILDREN]
        wanted += [(kind, UNMANAGED_SELECTOR, named) for kind in NAMED]
        return [
            Stream(server, kind, labels, partial(changed, kind), self._missed)
            for kind, labels, changed in wanted
        ]

    def registry(self) -> kopf.OperatorRegistry:
        """What kopf watches."""
        registry = kopf.OperatorRegistry()

        async def own(type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002 (kopf's)
            if type is None and self._triggers.knows(body):
                # listed a second time: kopf does not tell what was deleted since the first
                self._missed()
            # what counts as news of our own kinds is for the triggers to say
            news = self._news(_OWN_BY_NAME[body["kind"]], body["metadata"])
            keys = self._triggers.own(type, body)
            # somebody has just changed the object and waits for it; for what was listed nobody does
            self._add(keys[:1], first=news and type is not None)
            self._add(keys[1:])

        async def namespace(type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002
            self._add(self._triggers.namespace(type, body))

        kopf.on.login(registry=registry)(_login)
        kopf.on.event("", "v1", "namespaces", registry=registry)(namespace)
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


def settings() -> kopf.OperatorSettings:
    """How kopf watches: alone, without writing anything of its own."""
    result = kopf.OperatorSettings()
    result.peering.standalone = True
    result.posting.enabled = False
    result.scanning.disabled = True
    result.watching.server_timeout = 270
    result.watching.chunk_size = 500
    result.networking.request_timeout = 30
    result.networking.connect_timeout = 5
    return result

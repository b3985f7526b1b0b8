"""What a reconcile may touch, and how it ends."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from mooring_operator.api.conditions import Finding
from mooring_operator.kube import KINDS, Kind, Kube, KubeError, Manifest
from mooring_operator.plan.drift import differs, marked
from mooring_operator.plan.metadata import Owner, belongs, owner_of
from mooring_operator.queue import WorkQueue
from mooring_operator.reconcile.ends import Ends, Successes
from mooring_operator.reconcile.pacing import Pacing
from mooring_operator.reconcile.passing import Passing
from mooring_operator.stores.errors import StoreError

Result = TypeVar("Result")

_NO_VERSION: Final = "1"
"""A resource version that no object has, as etcd begins with it (see `make`)."""
_REFUSED: Final = frozenset({400, 403, 422})
"""Answers of the API server that stay the same until somebody acts: invalid, quota, admission."""


@dataclass(frozen=True, slots=True)
class World:
    """The API server, the queue of what is to be looked at, threads for waiting, a clock.

    `passing` is what the process remembers to spare itself writes, `pacing` to spare itself
    questions; `new` holds the uids of what it saw without a status and has not seen Ready yet;
    `ends` is how pods ended that may be gone, `succeeded` those to be asked for their runs;
    `looked_back` holds the namespaces whose earlier ones were looked for;
    `unmoored` holds by namespace the uids of the pods without a binding that were told.
    """

    kube: Kube
    queue: WorkQueue
    threads: Executor
    now: Callable[[], str]
    passing: Passing = field(default_factory=Passing)
    pacing: Pacing = field(default_factory=Pacing)
    new: set[str] = field(default_factory=set)
    ends: Ends = field(default_factory=Ends)
    succeeded: Successes = field(default_factory=Successes)
    looked_back: set[str] = field(default_factory=set)
    unmoored: dict[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a reconcile ended: `retry` with backoff, or come back when an event says so."""

    retry: bool = False


class Blocked(Exception):
    """A step cannot be done now; what the user should know is in `finding`."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def attempt(step: Callable[[], Result]) -> Result | Finding:
    """What `step` returns, or why it is Blocked."""
    try:
        return step()
    except Blocked as blocked:
        return blocked.finding


def ask(step: Callable[[], Result], *, about: str = "", passing: str = "") -> Result:
    """What a store or a database server answers to `step`; raises Blocked with what it refuses.

    `about` comes before what it says; `passing` is the reason of a refusal that will pass.
    """
    try:
        return step()
    except StoreError as error:
        reason = (error.transient and passing) or error.reason
        raise Blocked(Finding(reason, f"{about}{error.message}")) from None


def ensure(world: World, desired: Manifest) -> Manifest:
    """Have `desired` in the cluster; the result is what is live now. Raises as `apply`."""
    metadata = desired["metadata"]
    live = world.kube.held(_kind(desired), metadata["namespace"], metadata["name"])
    return apply(world, desired, live)


def apply(world: World, desired: Manifest, live: Manifest | None) -> Manifest:
    """Write `desired` unless `live` is that already; the result is what is live now.

    `live` is None where there is none, as far as is known: nothing of that name that somebody else
    has made is overwritten. Raises Blocked when the object is somebody else's, or the API server
    refuses it.
    """
    if live is None:
        made = make(world, desired)
        if made is not None:
            return made
        metadata = desired["metadata"]
        live = world.kube.anew(_kind(desired), metadata["namespace"], metadata["name"])
    require_ours(desired, live)
    wanted = marked(desired)
    if live is not None and not differs(wanted, live):
        return live
    return _told(desired, lambda: _write(world.kube, wanted, live))


def make(world: World, desired: Manifest) -> Manifest | None:
    """Write `desired` if there is nothing of its name; None where there is.

    Raises Blocked where the API server refuses it. Server-side apply makes an object whatever its
    resource version says, and answers 409 where there is one that has another: so that a first
    write needs no look before it, and overwrites nothing that was made in between.
    """
    wanted = marked(desired)
    metadata = wanted["metadata"] | {"resourceVersion": _NO_VERSION}
    try:
        return _told(desired, lambda: world.kube.apply(wanted | {"metadata": metadata}))
    except KubeError as error:
        if error.status == 409:
            return None
        raise


def _told(desired: Manifest, write: Callable[[], Manifest]) -> Manifest:
    """What `write` answers; raises Blocked with what the API server refuses until somebody acts."""
    try:
        return write()
    except KubeError as error:
        if error.status not in _REFUSED:
            raise
        message = f"{_named(desired)}: the API server refuses it: {error.said}"
        raise Blocked(Finding("Refused", message)) from None


def _kind(manifest: Manifest) -> Kind:
    return KINDS[(manifest["apiVersion"], manifest["kind"])]


def _write(kube: Kube, wanted: Manifest, live: Manifest | None) -> Manifest:
    try:
        return kube.apply(wanted)
    except KubeError as error:
        if live is None or error.status != 422:
            raise
        # someone edited the key of a list's entry, as a Service's port: apply keeps theirs beside
        # ours, and the two may not go together
        return kube.merge(live, wanted)


def delete_own(kube: Kube, live: Manifest | None, owner: Owner) -> None:
    """Delete a live object if it is the owner's; KubeError 409 if it changed since it was read.

    Somebody may have taken it over meanwhile.
    """
    if live is not None and belongs(live, owner):
        metadata = live["metadata"]
        kube.delete(_kind(live), owner.namespace, metadata["name"], metadata["resourceVersion"])


def set_metadata(world: World, live: Manifest, **fields: Any) -> None:
    """Merge fields into the metadata of a live object; KubeError 409 if it changed meanwhile."""
    metadata = {**fields, "resourceVersion": live["metadata"]["resourceVersion"]}
    world.kube.merge(live, {"metadata": metadata})


def require_ours(desired: Manifest, live: Manifest | None) -> None:
    """Raise Blocked where `desired` would overwrite an object that is somebody else's."""
    owner = owner_of(desired)
    if live is None or owner is None or belongs(live, owner):
        return
    message = (
        f"{_named(desired)} exists and was not made for this {owner.kind}: delete or rename it, "
        f"or give the {owner.kind} another name"
    )
    raise Blocked(Finding("NameTaken", message))


def _named(manifest: Manifest) -> str:
    metadata = manifest["metadata"]
    return f"{manifest['kind']} {metadata['namespace']}/{metadata['name']}"

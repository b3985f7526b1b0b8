"""The end of a rotation: when the grace of old credentials begins, and when to look again."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from mooring.contract import published_name
from mooring_operator.api.conditions import Finding
from mooring_operator.api.lifecycle import CredentialsStatus
from mooring_operator.kube import BINDING, CONFIG_MAP, SECRET, WORKSPACE, Kube, Manifest
from mooring_operator.plan.binding import decoded, encoded
from mooring_operator.plan.metadata import Owner, child, namespaced_name
from mooring_operator.plan.rotation import ROTATION_KEY, Policy, Rotation, wait_until
from mooring_operator.queue import Key
from mooring_operator.reconcile.workloads import no_server_ends
from mooring_operator.reconcile.world import World, apply, attempt

HORIZON_S: Final = 3600.0
"""What comes later than this is not kept in the queue: a resync computes it again before."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The state of one credential: the Secret of `component` has it.

    `is_old` says of what a binding publishes whether it is one of the old ones; None where bindings
    do not publish it.
    """

    component: str
    rotation: Rotation
    policy: Policy
    is_old: Callable[[Mapping[str, str]], bool] | None = None


def follow(
    world: World, workspace: Owner, states: Iterable[Kept], bindings: list[Manifest], served: bool
) -> tuple[dict[str, Any] | None, bool]:
    """status.credentials, and whether a binding still publishes what was replaced.

    The grace begins when no server has the old credentials (`served` says that the newest one is
    the only one, besides those that are ending) and no binding of `bindings` publishes them, so
    that a pod that started a moment before has all of it.
    """
    known, pending = [], False
    for state in states:
        old = state.rotation.in_use
        if old and not (served and no_server_ends(world, workspace)):
            old = ()
        begun = attempt(partial(_begin_grace, world, workspace, state, bindings)) if old else state
        # whoever refuses the write, a quota or an admission policy, may change his mind
        known.append(state if isinstance(begun, Finding) else begun)
        pending = pending or bool(old and known[-1].rotation.in_use)
    if not known:
        return None, pending
    _look_again(world, workspace, known)
    return _status(known, world.now()), pending


def _published(
    world: World, bindings: list[Manifest], is_old: Callable[[Mapping[str, str]], bool]
) -> bool:
    """Whether a binding still publishes what is old; such a binding is looked at again."""
    found = [
        key
        for key in map(_key, bindings)
        if (values := _published_by(world.kube, key)) and is_old(values)
    ]
    for key in found:
        world.queue.add(key)
    return bool(found)


def _key(binding: Manifest) -> Key:
    return Key(BINDING.kind, *namespaced_name(binding))


def _published_by(kube: Kube, binding: Key) -> dict[str, str]:
    """What pods of the binding get; nothing where nothing is published."""
    name = published_name(binding.name)
    public = kube.get(CONFIG_MAP, binding.namespace, name) or {}
    secret = kube.get(SECRET, binding.namespace, name)
    return {**public.get("data", {}), **(decoded(secret) if secret else {})}


def _begin_grace(world: World, workspace: Owner, state: Kept, bindings: list[Manifest]) -> Kept:
    """Record that nothing has the old credentials, if that is so. Raises Blocked."""
    name = workspace.child_name_for(state.component)
    live = world.kube.get(SECRET, workspace.namespace, name)
    if live is None or (state.is_old and _published(world, bindings, state.is_old)):
        return state
    rotation = state.rotation.unused(world.now())
    values = {**decoded(live), ROTATION_KEY: rotation.dumped()}
    head = child(workspace, "v1", "Secret", name, state.component)
    apply(world, head | {"type": "Opaque", "data": encoded(values)}, live)
    return replace(state, rotation=rotation)


def _look_again(world: World, workspace: Owner, states: list[Kept]) -> None:
    times = [
        each.rotation.grace_ends(each.policy)
        if each.rotation.retiring
        else each.rotation.next_rotation(each.policy)
        for each in states
    ]
    delay = wait_until(times, world.now())
    if delay is not None and delay <= HORIZON_S:
        world.queue.add_after(Key(WORKSPACE.kind, workspace.namespace, workspace.name), delay)


def _status(states: list[Kept], now: str) -> dict[str, Any]:
    nexts = [each.rotation.next_rotation(each.policy) for each in states]
    ends = [each.rotation.grace_ends(each.policy) for each in states]
    return CredentialsStatus(
        last_rotation=max(each.rotation.made for each in states),
        next_rotation=min(filter(None, nexts), default=None),
        grace_ends=max(filter(None, ends), default=None),
        pending=next(filter(None, (_pending(each, now) for each in states)), None),
    ).model_dump(by_alias=True, exclude_none=True)


def _pending(state: Kept, now: str) -> str | None:
    """Why the next rotation of a credential is wanted already, and until when it waits."""
    why = state.rotation.wanted(state.policy, now)
    if not why or not state.rotation.retiring:
        return None
    ends = state.rotation.grace_ends(state.policy)
    when = f"at {ends}" if ends else "its end is known once nothing has those any more"
    return (
        f"new credentials are wanted again: {why}; they are made when the grace of the old ones is "
        f"over: {when}"
    )

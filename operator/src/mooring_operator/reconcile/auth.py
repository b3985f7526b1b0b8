"""The users of a workspace's tracking server, in the Secret that its servers read them from."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from mooring.passwords import user_of
from mooring_operator.kube import SECRET, Kube, Manifest
from mooring_operator.plan.auth import (
    MOST_WITHDRAWN,
    VOLUME,
    Users,
    new_users,
    users_in,
    users_secret,
)
from mooring_operator.plan.binding import decoded
from mooring_operator.plan.metadata import AUTH, Owner, belongs, namespaced_name
from mooring_operator.plan.rotation import ROTATION_KEY, Policy, Rotation, loaded
from mooring_operator.reconcile.world import World, apply, delete_own


@dataclass(frozen=True, slots=True)
class Granted:
    """Who may log in, and the state of their passwords; `changed` means bindings must be told."""

    users: Users
    rotation: Rotation
    changed: bool


def ensure_users(
    world: World, workspace: Owner, bindings: Iterable[Manifest], policy: Policy
) -> Granted:
    """Have the Secret admit the users of `bindings` and of the workspace's own, and nobody else.

    Passwords that are due are replaced by later ones; those whose grace is over are refused.
    Raises Blocked.
    """
    live = world.kube.get(SECRET, workspace.namespace, workspace.child_name_for(AUTH))
    values, now = decoded(live) if live else {}, world.now()
    held = users_in(values)
    users = held or new_users(workspace)
    before = loaded(values.get(ROTATION_KEY) if held else None, policy, now)
    over = before.over(policy, now)
    state = before.revoked(over)
    if over:
        users = users.closed()
    users = users.admitting(
        frozenset(user_of(*namespaced_name(binding)) for binding in bindings) | {users.logins.owner}
    )
    if len(users.logins.withdrawn) > MOST_WITHDRAWN:
        state = replace(state, owed=True)
    if held and state.due(policy, now):
        state = state.replaced(str(users.serial), policy, now)
        users = users.renewed()
    apply(world, users_secret(workspace, users, state), live)
    return Granted(users, state, users != held)


def held_users(kube: Kube, workspace: Owner) -> Users | None:
    """The users of a workspace; None where it has none (yet)."""
    secret = kube.get(SECRET, workspace.namespace, workspace.child_name_for(AUTH))
    return users_in(decoded(secret)) if secret and belongs(secret, workspace) else None


def drop_users(world: World, workspace: Owner, deployment: Manifest | None) -> None:
    """Delete the Secret that the servers of `deployment` still have, and no longer need."""
    pod = deployment["spec"]["template"]["spec"] if deployment else {}
    if not any(volume["name"] == VOLUME for volume in pod.get("volumes", [])):
        return
    live = world.kube.get(SECRET, workspace.namespace, workspace.child_name_for(AUTH))
    delete_own(world.kube, live, workspace)

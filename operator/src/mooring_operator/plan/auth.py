"""The users of a tracking server that asks for a login: the admin, and one for each binding.

Their passwords are signed with the workspace's key, see `mooring.passwords`: nobody has to make a
user anywhere before a pod logs in, and a new password is good at once.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from mooring import contract
from mooring.passwords import ADMIN, Logins, minted, serial_of, user_of
from mooring_operator.plan.binding import encoded
from mooring_operator.plan.metadata import AUTH, Manifest, Owner, child, digest
from mooring_operator.plan.rotation import ROTATION_KEY, Rotation

USERNAME_KEY: Final = "username"
PASSWORD_KEY: Final = "password"
STATE_KEY: Final = "state"
VOLUME: Final = "auth"

MOST_WITHDRAWN: Final = 1000
"""With more withdrawn users the passwords of all are replaced, after which none is remembered."""


@dataclass(frozen=True, slots=True)
class Users:
    """Who may log in: the `admitted` users and the admin, with passwords of number `serial`.

    `last` is the highest number that was ever given.
    """

    key: str = field(repr=False)
    logins: Logins
    serial: int = 1
    last: int = 1
    admitted: frozenset[str] = frozenset()

    @property
    def digest(self) -> str:
        """Changes with the key, which servers read before they serve."""
        return digest(self.key)

    def login(self, user: str) -> dict[str, str]:
        """The environment with which a process logs in as `user`."""
        number = max(self.serial, self.logins.lowest(user))
        password = minted(self.key, user, number)
        return {contract.TRACKING_USERNAME: user, contract.TRACKING_PASSWORD: password}

    def admitting(self, users: frozenset[str]) -> "Users":
        """The same for exactly these users: the password of one that goes is good no longer."""
        gone, last = sorted(self.admitted - users), self.last
        withdrawn = {**self.logins.withdrawn, **{u: last + 1 + i for i, u in enumerate(gone)}}
        logins = replace(self.logins, withdrawn=withdrawn)
        return replace(self, admitted=users, logins=logins, last=last + len(gone))

    def renewed(self) -> "Users":
        """The same with new passwords; the old ones are still good."""
        return replace(self, serial=self.last + 1, last=self.last + 1)

    def closed(self) -> "Users":
        """The same where only the newest passwords are good."""
        withdrawn = {u: n for u, n in self.logins.withdrawn.items() if n > self.serial}
        return replace(self, logins=replace(self.logins, oldest=self.serial, withdrawn=withdrawn))


def new_users(workspace: Owner) -> Users:
    """The users of a workspace that has none, with a new key."""
    owner = user_of(workspace.namespace, workspace.name)
    return Users(secrets.token_urlsafe(32), Logins(owner))


def users_in(values: Mapping[str, str]) -> Users | None:
    """The users that the values of `users_secret` speak of; None where they make no sense."""
    try:
        state = json.loads(values[STATE_KEY])
        logins = Logins.loaded(values[contract.AUTH_LOGINS_FILE])
        admitted = frozenset(map(str, state["admitted"]))
        key = values[contract.AUTH_KEY_FILE]
        users = Users(key, logins, int(state["serial"]), int(state["last"]), admitted)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return users if key else None


def users_secret(workspace: Owner, users: Users, rotation: Rotation) -> Manifest:
    """The Secret of the servers, and of people who look for the admin's login."""
    state = {"admitted": sorted(users.admitted), "serial": users.serial, "last": users.last}
    values = {
        contract.AUTH_KEY_FILE: users.key,
        contract.AUTH_LOGINS_FILE: users.logins.dumped(),
        STATE_KEY: json.dumps(state, sort_keys=True),
        USERNAME_KEY: ADMIN,
        PASSWORD_KEY: users.login(ADMIN)[contract.TRACKING_PASSWORD],
        ROTATION_KEY: rotation.dumped(),
    }
    head = child(workspace, "v1", "Secret", workspace.child_name_for(AUTH), AUTH)
    return head | {"type": "Opaque", "data": encoded(values)}


def is_stale(users: Users, published: Mapping[str, str]) -> bool:
    """Whether a binding publishes a password that is older than the newest, or none."""
    serial = serial_of(published.get(contract.TRACKING_PASSWORD, ""))
    return serial is None or serial < users.serial


def auth_variable() -> dict[str, str]:
    """What tells server and migration that there are users."""
    return {"name": contract.AUTH, "value": contract.AUTH_PATH}


def auth_volume(workspace: Owner) -> dict[str, Any]:
    """The volume with what the servers have to know; a change of it needs no new server."""
    files = (contract.AUTH_KEY_FILE, contract.AUTH_LOGINS_FILE)
    secret = {
        "secretName": workspace.child_name_for(AUTH),
        "items": [{"key": name, "path": name} for name in files],
    }
    return {"name": VOLUME, "secret": secret}


def auth_mount() -> dict[str, Any]:
    """Where that volume is mounted."""
    return {"name": VOLUME, "mountPath": contract.AUTH_PATH, "readOnly": True}


def admin_variables(workspace: Owner) -> list[dict[str, Any]]:
    """The variables with which a process of the workspace's own logs in as the admin."""
    named = {
        contract.TRACKING_USERNAME: USERNAME_KEY,
        contract.TRACKING_PASSWORD: PASSWORD_KEY,
    }
    secret = workspace.child_name_for(AUTH)
    return [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
        for name, key in named.items()
    ]

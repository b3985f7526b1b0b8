"""Passwords that a key signs, so that nobody has to keep them to know them again.

The operator mints one for each user from the key of the workspace, and the tracking server, which
has the same key, checks it: a new user, and a new password of an old one, are good at once, on
every server. What has to be told is only which passwords are good no longer.
"""

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

ADMIN: Final = "admin"
"""The user that may do everything, and make users."""
DIGITS: Final = 12
"""Of a serial number, at most."""


def user_of(namespace: str, binding: str) -> str:
    """The user of a binding. No other name has a '/'."""
    return f"{namespace}/{binding}"


def is_minted(user: str) -> bool:
    """Whether the password of `user` is a signed one, and never one that MLflow keeps."""
    return user == ADMIN or "/" in user


def signed(key: str, text: str) -> str:
    """The signature of `text`: 43 characters that say nothing about the key."""
    digest = hmac.new(key.encode(), text.encode(), "sha256").digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def minted(key: str, user: str, serial: int) -> str:
    """The password of `user` with a serial number, of which higher ones were made later."""
    return f"{serial}-{signed(key, f'{serial} {user}')}"


def serial_of(password: str) -> int | None:
    """The serial number that a password claims; None for one that has none."""
    number, dash, _ = password.partition("-")
    fits = dash and len(number) <= DIGITS and number.isascii() and number.isdigit()
    return int(number) if fits else None


@dataclass(frozen=True, slots=True)
class Logins:
    """Which of the signed passwords are good.

    Those with a serial below `oldest` are not, nor those of a user of `withdrawn` below the number
    there. `owner` is the user of the workspace's own binding, who manages everything in it.
    """

    owner: str
    oldest: int = 1
    withdrawn: Mapping[str, int] = field(default_factory=dict)

    def lowest(self, user: str) -> int:
        """The lowest serial that a good password of `user` has."""
        return max(self.oldest, self.withdrawn.get(user, 0))

    def admit(self, key: str, user: str, password: str) -> bool:
        """Whether this is a good password of `user`."""
        serial = serial_of(password)
        if serial is None or serial < self.lowest(user):
            return False
        return hmac.compare_digest(
            minted(key, user, serial).encode(), password.encode(errors="replace")
        )

    def dumped(self) -> str:
        """The same as text."""
        fields = {"owner": self.owner, "oldest": self.oldest, "withdrawn": dict(self.withdrawn)}
        return json.dumps(fields, sort_keys=True)

    @classmethod
    def loaded(cls, text: str) -> "Logins":
        """What `dumped` wrote. Raises ValueError, KeyError or TypeError for anything else."""
        found = json.loads(text)
        withdrawn = {str(user): int(serial) for user, serial in found["withdrawn"].items()}
        return cls(str(found["owner"]), int(found["oldest"]), withdrawn)

"""When a credential is replaced, and when the old one is revoked. Pure.

The state of a rotation stands in the Secret of the credential that is in use, so that both change
in one write: whenever the operator stops, what it finds is before or after it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from mooring.contract import ROTATE_ANNOTATION
from mooring_operator.api.lifecycle import Rotation as Wanted
from mooring_operator.api.lifecycle import RotationDefaults, seconds
from mooring_operator.plan.metadata import Manifest

ROTATION_KEY: Final = "rotation"
"""Key of the Secrets of store and database that holds the state."""


@dataclass(frozen=True, slots=True)
class Policy:
    """When to rotate: `every` is None for never by schedule, `asked` the annotation's value."""

    every: timedelta | None
    grace: timedelta
    asked: str = ""


@dataclass(frozen=True, slots=True)
class Rotation:
    """What is known of the credential in use, and of those before it.

    `made` is the time it was made, `asked` the annotation's value then. `owed` says that it has to
    be replaced. `retiring` are ids of older ones, with the time since which nothing that Mooring
    publishes or runs has them; None as long as something does.
    """

    made: str
    asked: str = ""
    owed: bool = False
    retiring: Mapping[str, str | None] = field(default_factory=dict)

    def due(self, policy: Policy, now: str) -> bool:
        """Whether a new credential is to be made now: never while another one retires."""
        return not self.retiring and bool(self.wanted(policy, now))

    def wanted(self, policy: Policy, now: str) -> str:
        """Why a new credential is wanted, whether or not it can be made now; empty for no reason.

        The annotation's value is a person's, and no part of the answer.
        """
        if self._asked(policy):
            return f"annotation {ROTATE_ANNOTATION} has a new value"
        if self.owed:
            return "somebody who knows the newest one is no longer to know it"
        return "the schedule says so (rotation.every)" if self._old(policy, now) else ""

    def over(self, policy: Policy, now: str) -> tuple[str, ...]:
        """Ids of those whose grace is over."""
        return tuple(
            id_
            for id_, since in self.retiring.items()
            if since is not None and _time(since) + policy.grace <= _time(now)
        )

    def replaced(self, old: str, policy: Policy, now: str) -> "Rotation":
        """The state after a new credential took the place of `old`."""
        return Rotation(now, policy.asked, retiring={**self.retiring, old: None})

    def revoked(self, ids: tuple[str, ...]) -> "Rotation":
        """The state once the store takes `ids` no longer."""
        left = {id_: since for id_, since in self.retiring.items() if id_ not in ids}
        return replace(self, retiring=left)

    def unused(self, now: str) -> "Rotation":
        """The state once nothing of Mooring's has an old credential: their grace begins."""
        return replace(self, retiring={i: since or now for i, since in self.retiring.items()})

    @property
    def in_use(self) -> tuple[str, ...]:
        """Ids of old credentials that may still be published, or that a server may still have."""
        return tuple(id_ for id_, since in self.retiring.items() if since is None)

    def grace_ends(self, policy: Policy) -> str | None:
        """When the last old credential is refused; None when there is none, or not known yet."""
        ends = [_text(_time(since) + policy.grace) for since in self.retiring.values() if since]
        return max(ends, default=None)

    def next_rotation(self, policy: Policy) -> str | None:
        """When the schedule asks for the next one."""
        return None if policy.every is None else _text(_time(self.made) + policy.every)

    def dumped(self) -> str:
        """The state as text."""
        return json.dumps(
            {
                "made": self.made,
                "asked": self.asked,
                "owed": self.owed,
                "retiring": dict(self.retiring),
            },
            sort_keys=True,
        )

    def _asked(self, policy: Policy) -> bool:
        return policy.asked not in {"", self.asked}

    def _old(self, policy: Policy, now: str) -> bool:
        return policy.every is not None and _time(self.made) + policy.every <= _time(now)


def loaded(text: str | None, policy: Policy, now: str) -> Rotation:
    """The state that `dumped` wrote; that of a credential made just now where there is none.

    A text that somebody spoiled counts as none: the credential in use stays, older ones go.
    """
    try:
        found = json.loads(text or "")
        _time(found["made"])
        retiring = {str(id_): since for id_, since in found["retiring"].items()}
        for since in retiring.values():
            _time(since or now)
        return Rotation(found["made"], str(found["asked"]), bool(found["owed"]), retiring)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Rotation(now, policy.asked)


def policy_of(workspace: Manifest, wanted: Wanted, defaults: RotationDefaults) -> Policy:
    """The rotation policy of a live workspace that declares `wanted` in a class of `defaults`."""
    every = wanted.every or defaults.every
    return Policy(
        every=seconds(every) if every else None,
        grace=max(seconds(wanted.grace or "0s"), seconds(defaults.grace)),
        asked=workspace["metadata"].get("annotations", {}).get(ROTATE_ANNOTATION, ""),
    )


def wait_until(times: list[str | None], now: str) -> float | None:
    """Seconds from `now` to the first of `times`, at least one; None without any."""
    known = [_time(each) for each in times if each]
    return max(1.0, (min(known) - _time(now)).total_seconds()) if known else None


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return found


def _text(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")

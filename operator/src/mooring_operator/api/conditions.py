"""Conditions: what is true of an object, why, and since when."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from mooring_operator.api.base import ApiModel

READY: Final = "Ready"
ACCEPTED: Final = "Accepted"
DATABASE_READY: Final = "DatabaseReady"
ARTIFACT_STORE_READY: Final = "ArtifactStoreReady"
SERVER_AVAILABLE: Final = "ServerAvailable"
ROUND_TRIP_VERIFIED: Final = "RoundTripVerified"
ARTIFACT_ROOTS_MATCH: Final = "ArtifactRootsMatch"
EXPOSED: Final = "Exposed"
MONITORED: Final = "Monitored"
SUSPENDED: Final = "Suspended"

MESSAGE_LIMIT: Final = 1024


class Condition(ApiModel):
    """One condition in the form of `metav1.Condition`."""

    type: Annotated[str, Field(max_length=316, description="What the condition is about.")]
    status: Annotated[Literal["True", "False", "Unknown"], Field(description="Whether it holds.")]
    reason: Annotated[
        str, Field(min_length=1, max_length=1024, description="Why, as one CamelCase word.")
    ]
    message: Annotated[
        str, Field(max_length=32768, description="What was found, and what to do about it.")
    ]
    observed_generation: Annotated[
        int, Field(description="The metadata.generation that this was concluded from.")
    ]
    last_transition_time: Annotated[
        str,
        Field(description="When status last flipped.", json_schema_extra={"format": "date-time"}),
    ]


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason why something is not as it should be: `reason` is CamelCase, `message` a sentence.

    `waiting` marks what is merely under way: nobody has to act, and an event will tell its end.
    """

    reason: str
    message: str
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is concluded for one condition type; `finding` None means that it holds."""

    type: str
    finding: Finding | None
    holds: str = ""

    @property
    def ok(self) -> bool:
        """Whether the condition holds."""
        return self.finding is None


def summary(verdicts: Sequence[Verdict], holds: str) -> Verdict:
    """`Ready`: what somebody must act on, else what is under way, else `holds` as the message."""
    findings = [v.finding for v in verdicts if v.finding is not None]
    findings.sort(key=lambda finding: finding.waiting)
    return Verdict(READY, findings[0] if findings else None, holds)


def to_conditions(
    verdicts: Iterable[Verdict], previous: Iterable[Mapping[str, Any]], generation: int, now: str
) -> list[dict[str, Any]]:
    """Turn verdicts into status conditions.

    `previous` are the conditions in the live status: only their lastTransitionTime is taken
    over, where the status did not flip. `now` is an RFC 3339 time.
    """
    since = {(c.get("type"), c.get("status")): c.get("lastTransitionTime", now) for c in previous}
    conditions = []
    for verdict in verdicts:
        status: Literal["True", "False"] = "True" if verdict.ok else "False"
        finding = verdict.finding or Finding(_holding_reason(verdict.type), verdict.holds)
        conditions.append(
            Condition(
                type=verdict.type,
                status=status,
                reason=finding.reason,
                message=finding.message[:MESSAGE_LIMIT],
                observed_generation=generation,
                last_transition_time=since.get((verdict.type, status), now),
            ).model_dump(by_alias=True)
        )
    return conditions


def _holding_reason(condition_type: str) -> str:
    return {
        READY: "Ready",
        ACCEPTED: "Accepted",
        DATABASE_READY: "Provisioned",
        ARTIFACT_STORE_READY: "Provisioned",
        SERVER_AVAILABLE: "Available",
        ROUND_TRIP_VERIFIED: "Verified",
        ARTIFACT_ROOTS_MATCH: "Matching",
        EXPOSED: "Exposed",
        MONITORED: "Monitored",
        SUSPENDED: "Suspended",
    }[condition_type]

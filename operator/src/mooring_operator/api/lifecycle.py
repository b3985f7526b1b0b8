"""How credentials and data end: fields that a workspace and its class share."""

from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import Field

from mooring_operator.api.base import ApiModel, matches, rule, rules

_UNITS: Final = {"h": 3600, "m": 60, "s": 1}

Duration = Annotated[
    str,
    Field(
        max_length=32,
        json_schema_extra=rules(
            matches(
                "^([0-9]{1,6}h([0-9]{1,6}m)?|[0-9]{1,6}m)([0-9]{1,6}s)?$|^[0-9]{1,6}s$",
                "a duration is hours, minutes and seconds, as in 720h or 1h30m, and 30 days are "
                "720h",
            )
        ),
    ),
]

_EVERY_RULE: Final = rules(
    rule(
        "!has(self.every) || !self.every.matches('^[0hms]*$')",
        "every is more than nothing; leave it out to rotate only when it is asked for",
    )
)


class Rotation(ApiModel):
    """When the credentials of a workspace are replaced."""

    model_config = ApiModel.model_config | {"json_schema_extra": _EVERY_RULE}

    every: Annotated[
        Duration | None,
        Field(description="New credentials after this time; left out, as the class says."),
    ] = None
    grace: Annotated[
        Duration | None,
        Field(
            description="How long the old credentials go on working, for pods that hold them; "
            "never shorter than the class says."
        ),
    ] = None


class RotationDefaults(ApiModel):
    """When the credentials of the class's workspaces are replaced."""

    model_config = ApiModel.model_config | {"json_schema_extra": _EVERY_RULE}

    every: Annotated[
        Duration | None,
        Field(
            description="New credentials after this time; left out, only when a workspace asks "
            "for them."
        ),
    ] = None
    grace: Annotated[
        Duration,
        Field(
            description="How long old credentials go on working, at least: the longest time that "
            "a training pod may run."
        ),
    ] = "24h"


class CredentialsStatus(ApiModel):
    """The credentials of a workspace: how old they are, and what comes next."""

    last_rotation: Annotated[
        str,
        Field(
            description="When the newest credential in use was made.",
            json_schema_extra={"format": "date-time"},
        ),
    ]
    next_rotation: Annotated[
        str | None,
        Field(
            description="When the next one is made by schedule.",
            json_schema_extra={"format": "date-time"},
        ),
    ] = None
    grace_ends: Annotated[
        str | None,
        Field(
            description="When the store and the database stop taking the old credentials.",
            json_schema_extra={"format": "date-time"},
        ),
    ] = None
    pending: Annotated[
        str | None,
        Field(
            max_length=1024,
            description="Why another rotation is wanted while the old credentials of the last one "
            "still work, and until when it waits.",
        ),
    ] = None


class AnsweredStatus(ApiModel):
    """What store and database server have answered last, each as a digest of the question.

    An operator that starts takes the same question as answered for a while.
    """

    artifact_store: Annotated[
        str | None, Field(max_length=12, description="What the class's object store was asked.")
    ] = None
    database: Annotated[
        str | None, Field(max_length=12, description="What the class's database server was asked.")
    ] = None


DeletionPolicy = Literal["Retain", "Delete"]


class DeletionStatus(ApiModel):
    """What the end of a workspace takes along; what is the team's own (existing) never goes."""

    asked: Annotated[
        str,
        Field(
            max_length=253,
            description="What asked for this list: the value of the annotation "
            "mooring.dev/list-deletion, or the time of the deletion.",
        ),
    ]
    policy: Annotated[
        DeletionPolicy, Field(description="Delete: all of this goes. Retain: all of it stays.")
    ]
    artifacts: Annotated[
        str | None, Field(max_length=1024, description="Where the artifacts lie.")
    ] = None
    objects: Annotated[
        int | None, Field(description="How many objects lie there, every version counted.")
    ] = None
    bytes: Annotated[int | None, Field(description="The bytes of these objects.")] = None
    more: Annotated[
        bool | None,
        Field(description="With true there are more objects than were counted."),
    ] = None
    removed: Annotated[
        int | None, Field(description="How many of the objects are gone by now.")
    ] = None
    database: Annotated[str | None, Field(max_length=63, description="Name of the database.")] = (
        None
    )
    experiments: Annotated[
        int | None, Field(description="Experiments in it, deleted ones counted.")
    ] = None
    runs: Annotated[int | None, Field(description="Runs in it, deleted ones counted.")] = None
    unknown: Annotated[
        str | None, Field(max_length=4096, description="What could not be counted, and why.")
    ] = None


def seconds(duration: str) -> timedelta:
    """The length of a `Duration`."""
    total, digits = 0, ""
    for sign in duration:
        if sign in _UNITS:
            total, digits = total + int(digits) * _UNITS[sign], ""
        else:
            digits += sign
    return timedelta(seconds=total)

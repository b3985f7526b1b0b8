"""Who may use a tracking server: fields of a workspace."""

from typing import Annotated

from pydantic import Field

from mooring_operator.api.base import ApiModel, OneOf


class BasicAuth(ApiModel):
    """A user name and a password for each binding, by MLflow's basic-auth app."""


class Auth(OneOf[BasicAuth]):
    """How the tracking server knows who asks it."""

    basic: Annotated[
        BasicAuth | None,
        Field(
            description="Every binding gets a user and a password of its own in its Secret, and "
            "loses them when it goes. The workspace's own binding manages all runs and models; the "
            "others read all, log to all, and delete only what they made. Secret NAME-mlflow-auth "
            "has the login of an admin, who can make users for people."
        ),
    ] = None

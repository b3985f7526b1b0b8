"""A tracking server that somebody else runs, which a workspace uses instead of one of its own."""

from typing import Annotated

from pydantic import Field

from mooring_operator.api.base import ApiModel, OwnSecretRef, matches, rule, rules


def not_external(field: str, empty: str) -> dict[str, str]:
    """The rule that a field is of a server that the operator runs; `empty` says that it is not set.

    What has a default is there in every object, and empty.
    """
    return rule(
        f"!has(self.external) || {empty}",
        f"{field} is for a server that the operator runs: with external, somebody else sets it; "
        "leave it out",
        fieldPath=f".{field}",
    )


class ExternalArtifacts(ApiModel):
    """Where a tracking server that somebody else runs keeps the artifacts of its clients."""


class ExternalDatabase(ApiModel):
    """The database of a tracking server that somebody else runs."""


class ExternalServer(ApiModel):
    """A tracking server that somebody else runs: nothing is made of it, or of its database."""

    model_config = ApiModel.model_config | {
        "json_schema_extra": rules(
            rule(
                "has(self.mlflowWorkspace) == has(oldSelf.mlflowWorkspace) && "
                "(!has(self.mlflowWorkspace) || self.mlflowWorkspace == oldSelf.mlflowWorkspace)",
                "mlflowWorkspace cannot be changed: the runs and models would stay in the other "
                "one. Make another workspace",
                fieldPath=".mlflowWorkspace",
            )
        )
    }

    uri: Annotated[
        str,
        Field(
            max_length=256,
            description="Where it answers, also to pods: http:// or https://, a host, perhaps a "
            "port and a path. It may change when the same server gets another address.",
            json_schema_extra=rules(
                matches(
                    r"^https?://[^/?#@[:space:]]+(/[^/?#@[:space:]]+)*$",
                    "uri is http:// or https://, a host, and perhaps a port and a path, without a "
                    "login or a trailing slash, as in https://mlflow.example.com",
                )
            ),
        ),
    ]
    secret_ref: Annotated[
        OwnSecretRef | None,
        Field(
            description="Secret with MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
            "with MLFLOW_TRACKING_TOKEN, with which every pod logs in. It may also have ca.crt "
            "(authorities, as PEM). Left out, the server asks nobody who they are."
        ),
    ] = None
    mlflow_workspace: Annotated[
        str | None,
        Field(
            max_length=63,
            description="The workspace of MLflow (MLFLOW_WORKSPACE) on a server that has several; "
            "left out, the server's default one.",
            json_schema_extra=rules(
                matches(
                    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])$",
                    "a workspace of MLflow has a name of 2 to 63 characters: a-z, 0-9 and '-', and "
                    "it starts and ends with a letter or a digit",
                )
            ),
        ),
    ] = None

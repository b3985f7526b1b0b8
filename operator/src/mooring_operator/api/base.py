"""What every model of the API shares."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

NAME_PATTERN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
"""RFC 1123 label: what Kubernetes demands of namespaces and of names that become host names."""


def rule(expression: str, message: str, **extra: str) -> dict[str, str]:
    """One CEL rule of a schema: `kubectl apply` refuses the object with `message`.

    See https://kubernetes.io/docs/reference/using-api/cel/; `extra` takes `reason`, `fieldPath`.
    """
    return {"rule": expression, "message": message, **extra}


def rules(*entries: dict[str, str]) -> dict[str, Any]:
    """CEL rules in the form that a pydantic field or model carries into its schema."""
    return {"x-kubernetes-validations": list(entries)}


class ApiModel(BaseModel):
    """A part of a spec or a status.

    Unknown fields are ignored, so that an older operator can read objects that a newer API
    server stored (DESIGN 5.4).
    """

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True
    )


Name = Annotated[str, Field(min_length=1, max_length=63, pattern=NAME_PATTERN)]


class SecretRef(ApiModel):
    """A Secret in a namespace of the platform team."""

    name: Annotated[str, Field(min_length=1, max_length=253, description="Name of the Secret.")]
    namespace: Annotated[Name, Field(description="Namespace of the Secret.")]


class ObjectMeta(BaseModel):
    """The metadata that reconciliation reads."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)

    name: str
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    annotations: dict[str, str] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)
    finalizers: tuple[str, ...] = ()
    deletion_timestamp: str | None = None

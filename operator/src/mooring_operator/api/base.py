"""What every model of the API shares."""

import json
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel


def rule(expression: str, message: str, **extra: str) -> dict[str, str]:
    """One CEL rule of a schema: `kubectl apply` refuses the object with `message`.

    See https://kubernetes.io/docs/reference/using-api/cel/; `extra` takes `reason`, `fieldPath`.
    """
    return {"rule": expression, "message": message, **extra}


def rules(*entries: dict[str, str]) -> dict[str, Any]:
    """CEL rules in the form that a pydantic field or model carries into its schema."""
    return {"x-kubernetes-validations": list(entries)}


def matches(pattern: str, message: str) -> dict[str, str]:
    """The rule that a text matches `pattern`: refused with a sentence, not with the pattern.

    The sentence ends with what was found, which the API server leaves out of a rule's message.
    """
    found = f"{json.dumps(message)} + ', not ' + self"
    return rule(f"self.matches(r'{pattern}')", message, messageExpression=found)


def fixed(what: str) -> dict[str, str]:
    """The rule that a field of a class keeps its value; `what` says what lies where it leads."""
    return rule(
        "self == oldSelf",
        f"this cannot change: {what} of every workspace of the class would stay behind. Move what "
        "is there, then make the class anew: kubectl replace --force -f FILE (pods go on "
        "meanwhile). Or make a second class",
    )


class ApiModel(BaseModel):
    """A part of a spec or a status.

    Unknown fields are ignored, so that an older operator can read objects that a newer API
    server stored (DESIGN 5.4).
    """

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True
    )


def _exactly_one(schema: dict[str, Any]) -> None:
    names = list(schema["properties"])
    found = ", ".join(f"has(self.{name})" for name in names)
    sentence = f"set exactly one of {', '.join(names)}" if names[1:] else f"set {names[0]}"
    schema |= rules(rule(f"[{found}].exists_one(each, each)", sentence))


def _the_same_one(schema: dict[str, Any]) -> None:
    _exactly_one(schema)
    kept = " && ".join(f"has(self.{name}) == has(oldSelf.{name})" for name in schema["properties"])
    schema["x-kubernetes-validations"].append(fixed("the data") | {"rule": kept})


Choice = TypeVar("Choice")


class OneOf(ApiModel, Generic[Choice]):
    """A choice: every field is a possibility, and exactly one is set."""

    model_config = ApiModel.model_config | {"json_schema_extra": _exactly_one}

    @property
    def chosen(self) -> Choice:
        """The value that is set."""
        return self._values()[0]

    def _values(self) -> list[Choice]:
        values = (getattr(self, name) for name in type(self).model_fields)
        return [value for value in values if value is not None]

    @model_validator(mode="after")
    def _one_is_set(self) -> Self:
        # the schema says so too; this is for what an API server of another release let through
        if len(self._values()) != 1:
            names = ", ".join(to_camel(name) for name in type(self).model_fields)
            raise ValueError(f"set exactly one of what this release knows: {names}")
        return self


class OneStore(OneOf[Choice]):
    """A choice of where data lies: it is made once."""

    model_config = ApiModel.model_config | {"json_schema_extra": _the_same_one}


Name = Annotated[
    str,
    Field(
        max_length=63,
        json_schema_extra=rules(
            matches(
                r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
                "a name is made of a-z, 0-9 and '-', and starts and ends with a letter or a digit",
            )
        ),
    ),
]
"""RFC 1123 label: what Kubernetes demands of namespaces and of names that become host names."""

ObjectName = Annotated[
    str,
    Field(
        max_length=253,
        json_schema_extra=rules(
            matches(
                r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
                "a name is made of a-z, 0-9, '-' and '.', and starts and ends with a letter or a "
                "digit; a namespace has a field of its own",
            )
        ),
    ),
]
"""RFC 1123 subdomain: what Kubernetes demands of most names."""

DataKey = Annotated[
    str,
    Field(
        max_length=253,
        json_schema_extra=rules(
            matches(
                r"^[-._a-zA-Z0-9]+$",
                "a key is made of letters, digits, '-', '_' and '.'",
            )
        ),
    ),
]


class Launcher(ApiModel):
    """A service account, mostly Airflow's, that may start pods beside a binding."""

    namespace: Annotated[Name, Field(description="Namespace of the service account.")]
    service_account: Annotated[ObjectName, Field(description="Name of the service account.")]


class SecretRef(ApiModel):
    """A Secret in a namespace of the platform team."""

    name: Annotated[ObjectName, Field(description="Name of the Secret.")]
    namespace: Annotated[Name, Field(description="Namespace of the Secret.")]


class OwnSecretRef(ApiModel):
    """A Secret in the namespace of the object that names it."""

    name: Annotated[ObjectName, Field(description="Name of the Secret.")]


class CaBundle(ApiModel):
    """Certificate authorities as PEM, in a ConfigMap or Secret of the platform team."""

    kind: Annotated[Literal["ConfigMap", "Secret"], Field(description="What holds them.")] = (
        "ConfigMap"
    )
    name: Annotated[ObjectName, Field(description="Name of the object.")]
    namespace: Annotated[Name, Field(description="Namespace of the object.")]
    key: Annotated[DataKey, Field(description="Key in its data.")] = "ca.crt"


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

"""From a pydantic model to the structural schema that a CRD wants.

The rules of structural schemas:
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
A keyword that this module does not know is an error, so that nothing is dropped unseen.
"""

from typing import Any, Final

from pydantic import BaseModel

Schema = dict[str, Any]

_KEPT: Final = frozenset(
    {
        "default",
        "description",
        "enum",
        "format",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "pattern",
        "required",
        "type",
    }
)
_DROPPED: Final = frozenset({"title", "const"})


def structural_schema(model: type[BaseModel]) -> Schema:
    """The OpenAPI v3 schema of `model`, with references inlined and optional fields collapsed.

    Raises ValueError for a keyword that structural schemas do not know.
    """
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return _convert(schema, schema.get("$defs", {}), model.__name__)


def _convert(node: Schema, definitions: dict[str, Schema], path: str) -> Schema:
    node = _resolved(node, definitions)
    result: Schema = {}
    for key, value in node.items():
        if key == "properties":
            result[key] = {
                name: _convert(child, definitions, f"{path}.{name}")
                for name, child in value.items()
            }
        elif key == "items":
            result[key] = _convert(value, definitions, f"{path}[]")
        elif key == "additionalProperties":
            if isinstance(value, dict):
                result[key] = _convert(value, definitions, f"{path}{{}}")
        elif key in _KEPT or key.startswith("x-kubernetes-"):
            if not (key == "default" and value is None):
                result[key] = _without_nulls(value) if key == "default" else value
        elif key not in _DROPPED and key != "$defs":
            raise ValueError(f"{path}: structural schemas have no keyword {key!r}")
    return result


def _resolved(node: Schema, definitions: dict[str, Schema]) -> Schema:
    """`node` with its reference inlined and `X | None` collapsed to X; own keywords win."""
    own = {k: v for k, v in node.items() if k not in {"$ref", "allOf", "anyOf"}}
    if "$ref" in node:
        target = definitions[node["$ref"].rsplit("/", 1)[-1]]
        return {**_resolved(target, definitions), **own}
    if "anyOf" in node:
        members = [m for m in node["anyOf"] if m.get("type") != "null"]
        if len(members) == 1:
            return {**_resolved(members[0], definitions), **own}
    return node


def _without_nulls(value: Any) -> Any:
    """A default as the API server may fill it in: a null would not pass its own schema."""
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    return value

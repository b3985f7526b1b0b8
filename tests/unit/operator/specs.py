"""Specs as people might write them: of the right types, with anything in them."""

from functools import cache
from typing import Any

from hypothesis import strategies as st

from mooring_operator.api.crd import custom_resource_definitions

Schema = dict[str, Any]

NASTY = (
    "", " ", "\n", "a\nb", "é", "名前", "🚢", "-", ".", "..", "../x", "/", "*", "%", "%s", "{}",
    "{namespace}/{name}", "${HOME}", "$(id)", "'", '"', "`", "\\", "true", "null", "0", "-1", "1e9",
    "30days", "1GB", "http://", "https://s3.example.com/", "s3://bucket", "a" * 63, "x" * 300,
)  # fmt: skip
TEXT = st.sampled_from(NASTY) | st.text(max_size=40)


@cache
def specs_of(kind: str) -> st.SearchStrategy[Any]:
    """Specs of a kind."""
    return specs(_schema_of(kind))


def _schema_of(kind: str) -> Schema:
    crd = next(c for c in custom_resource_definitions() if c["spec"]["names"]["kind"] == kind)
    found: Schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return found


def nearly(kind: str, good: Any) -> st.SearchStrategy[Any]:
    """Specs of a kind that have most of their fields from a `good` one."""
    return specs(_schema_of(kind), good)


def specs(schema: Schema, good: Any = None) -> st.SearchStrategy[Any]:
    """Values whose types are those of the schema; bounds, patterns and rules are not kept."""
    if good is not None and not isinstance(good, dict):
        return st.sampled_from([True] * 5 + [False]).flatmap(
            lambda keep: st.just(good) if keep else specs(schema)
        )
    if "enum" in schema:
        return st.sampled_from(schema["enum"]) | TEXT
    if schema["type"] == "object":
        return _objects(schema, good or {})
    if schema["type"] == "array":
        return st.lists(specs(schema["items"]), max_size=3)
    plain = {"integer": st.integers(-(2**31), 2**31), "boolean": st.booleans(), "string": TEXT}
    return plain[schema["type"]]


def _objects(schema: Schema, good: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "additionalProperties" in schema:
        entries = st.dictionaries(TEXT, specs(schema["additionalProperties"]), max_size=3)
        return st.just(good) if good else entries
    fields = schema.get("properties", {})
    if good:
        return _altered(fields, good)
    known = {name: specs(field) for name, field in fields.items()}
    required = {name: known.pop(name) for name in schema.get("required", ()) if name in known}
    return st.fixed_dictionaries(required, optional=known)


def _altered(fields: dict[str, Schema], good: dict[str, Any]) -> st.SearchStrategy[Any]:
    """The fields of `good`, and now and then one that it does not have."""
    kept = {name: specs(fields[name], value) for name, value in good.items()}
    others = sorted(set(fields) - set(good))
    if not others:
        return st.fixed_dictionaries(kept)
    return st.sampled_from([None, None, None, *others]).flatmap(
        lambda name: st.fixed_dictionaries(kept | ({name: specs(fields[name])} if name else {}))
    )

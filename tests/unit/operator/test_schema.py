"""The CRDs: structural, and with defaults that are the models' own."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from mooring_operator.api.artifactstore import ArtifactStore
from mooring_operator.api.backendstore import BackendStore
from mooring_operator.api.crd import custom_resource_definitions
from mooring_operator.api.exposure import IngressTls
from mooring_operator.api.schema import structural_schema
from mooring_operator.api.workspace import WorkspaceSpec

FORBIDDEN = {"$ref", "$defs", "anyOf", "title", "discriminator", "const", "uniqueItems"}


def nodes(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    yield path, value
    if isinstance(value, dict):
        for key, child in value.items():
            yield from nodes(child, f"{path}.{key}")
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield from nodes(child, f"{path}[{number}]")


@pytest.mark.parametrize(
    "crd", custom_resource_definitions(), ids=lambda crd: str(crd["spec"]["names"]["kind"])
)
def test_the_schema_is_structural_and_described(crd: dict[str, Any]) -> None:
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for path, node in nodes(schema):
        if not isinstance(node, dict):
            continue
        keywords = set() if path.endswith(".properties") else set(node)
        assert not keywords & FORBIDDEN, path
        if ".spec.properties." in path and path.rsplit(".", 2)[1] == "properties":
            assert node.get("description"), f"{path}: kubectl explain would show nothing"
        assert None not in node.values(), path


def fields(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of a schema, and what its lists and maps hold, with the path to it."""
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from fields(field, f"{path}.{name}")
    for keyword, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if keyword in schema:
            yield f"{path}{mark}", schema[keyword]
            yield from fields(schema[keyword], f"{path}{mark}")


def unbounded(field: dict[str, Any]) -> str:
    """The keyword that the field lacks; without a bound, CEL rules cost too much to be taken."""
    if field["type"] == "string" and not {"enum", "format", "maxLength"} & set(field):
        return "maxLength"
    if field["type"] == "array" and "maxItems" not in field:
        return "maxItems"
    if "additionalProperties" in field and "maxProperties" not in field:
        return "maxProperties"
    return ""


@pytest.mark.parametrize(
    "crd", custom_resource_definitions(), ids=lambda crd: str(crd["spec"]["names"]["kind"])
)
def test_every_field_is_described_and_bounded(crd: dict[str, Any]) -> None:
    version = crd["spec"]["versions"][0]
    top = version["schema"]["openAPIV3Schema"]["properties"]
    found = [f for part in ("spec", "status") for f in fields(top[part], part)]
    assert len(found) > 10
    named = [(path, field) for path, field in found if not path.endswith(("[]", "{}"))]
    assert [path for path, field in named if not field.get("description")] == []
    assert [f"{path}: {unbounded(field)}" for path, field in found if unbounded(field)] == []


@pytest.mark.parametrize(
    "crd", custom_resource_definitions(), ids=lambda crd: str(crd["spec"]["names"]["kind"])
)
def test_the_columns_that_a_person_wants(crd: dict[str, Any]) -> None:
    columns = crd["spec"]["versions"][0]["additionalPrinterColumns"]
    shown = [column["name"] for column in columns if column["priority"] == 0]
    assert shown[:2] == ["Ready", "Reason"]
    assert shown[-1] == "Age"
    assert "Store" in shown
    assert columns[-1]["name"] == "Message", "why it is not ready, with -o wide"


def test_a_default_of_the_api_server_is_a_default_of_the_model() -> None:
    defaulted = structural_schema(WorkspaceSpec)["properties"]["allowedNamespaces"]["default"]
    filled = WorkspaceSpec.model_validate({"allowedNamespaces": defaulted})
    assert filled == WorkspaceSpec()


def test_where_data_lies_is_chosen_once_and_nothing_else_is() -> None:
    def rules(model: type[BaseModel]) -> list[str]:
        return [rule["rule"] for rule in structural_schema(model)["x-kubernetes-validations"]]

    assert any("oldSelf" in rule for rule in rules(ArtifactStore))
    assert any("oldSelf" in rule for rule in rules(BackendStore))
    assert not any("oldSelf" in rule for rule in rules(IngressTls)), "a certificate holds no data"


def test_an_unknown_keyword_is_an_error() -> None:
    class Union(BaseModel):
        value: int | str

    with pytest.raises(ValueError, match=r"Union\.value.*anyOf"):
        structural_schema(Union)

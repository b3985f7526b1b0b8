"""The CRDs: structural, and with defaults that are the models' own."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from mooring_operator.api.crd import custom_resource_definitions
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


def test_a_default_of_the_api_server_is_a_default_of_the_model() -> None:
    defaulted = structural_schema(WorkspaceSpec)["properties"]["allowedNamespaces"]["default"]
    filled = WorkspaceSpec.model_validate({"allowedNamespaces": defaulted})
    assert filled == WorkspaceSpec()


def test_an_unknown_keyword_is_an_error() -> None:
    class Union(BaseModel):
        value: int | str

    with pytest.raises(ValueError, match=r"Union\.value.*anyOf"):
        structural_schema(Union)

"""JSON schemas for kubeconform, made from what a real API server publishes.

The usual source is a web site; this one is the API server of the version that is tested, so it
needs no download and cannot be out of date. Schemas are strict: a field that is not known is an
error, as for `kubectl apply --validate=strict`.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.chart.rendering import Manifest

Schema = dict[str, Any]

LOCATION = "{{.ResourceKind}}{{.KindSuffix}}.json"
"""Name of a schema's file, as a template of kubeconform."""

_KEPT = frozenset(
    {"$ref", "type", "enum", "pattern", "required", "minimum", "maximum", "minLength", "maxLength"}
)
_ANY_OF = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["string", "integer"]},
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["string", "number"]},
}
"""Published as strings, although numbers are taken too."""


def strict(schema: Mapping[str, Any]) -> Schema:
    """Return an OpenAPI schema as a JSON schema that takes no unknown field."""
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["string", "integer"]}
    converted = {key: value for key, value in schema.items() if key in _KEPT}
    if "items" in schema:
        converted["items"] = strict(schema["items"])
    if "properties" in schema:
        converted["properties"] = {
            name: strict(value) for name, value in schema["properties"].items()
        }
    more = schema.get("additionalProperties")
    if isinstance(more, Mapping):
        converted["additionalProperties"] = strict(more)
    elif "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        converted["additionalProperties"] = False
    return converted


def _references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"].rpartition("/")[2]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(_references(value) for value in node.values()))
    return set().union(*map(_references, node)) if isinstance(node, list) else set()


def _closure(name: str, definitions: Mapping[str, Schema]) -> dict[str, Schema]:
    found: dict[str, Schema] = {}
    wanted = {name}
    while wanted:
        for each in wanted:
            found[each] = definitions[each]
        wanted = set().union(*(_references(found[each]) for each in wanted)) - found.keys()
    return found


def _file_name(group: str, version: str, kind: str) -> str:
    parts = [kind, *([group.partition(".")[0]] if group else []), version]
    return "-".join(parts).lower() + ".json"


def of_api_server(openapi: Mapping[str, Any]) -> dict[str, Schema]:
    """Return file name -> schema for every kind in an API server's `/openapi/v2`."""
    definitions = {name: strict(each) for name, each in openapi["definitions"].items()} | _ANY_OF
    files = {}
    for name, definition in openapi["definitions"].items():
        for kind in definition.get("x-kubernetes-group-version-kind", []):
            files[_file_name(kind["group"], kind["version"], kind["kind"])] = {
                "$ref": f"#/definitions/{name}",
                "definitions": _closure(name, definitions),
            }
    return files


def of_definitions(definitions: Iterable[Manifest]) -> dict[str, Schema]:
    """Return file name -> schema for every kind of some CustomResourceDefinitions."""
    files = {}
    for spec in (definition["spec"] for definition in definitions):
        for version in spec["versions"]:
            schema = strict(version["schema"]["openAPIV3Schema"])
            schema["properties"]["metadata"] = {"type": "object"}
            name = _file_name(spec["group"], version["name"], spec["names"]["kind"])
            files[name] = schema
    return files


def write(files: Mapping[str, Schema], folder: Path) -> None:
    """Write each schema to its file in `folder`."""
    for name, schema in files.items():
        (folder / name).write_text(json.dumps(schema))

"""The fields of the three kinds as a page to read, and the command that writes it.

`python -m mooring_operator.api.reference FILE` writes it; `make generate` calls it. What it says is
what `kubectl explain` says, in one place.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mooring_operator.api.crd import Manifest, custom_resource_definitions

_HEAD: Final = """\
<!-- Made by `make generate` from operator/src/mooring_operator/api; do not edit. -->

# The fields of the three kinds

`[]` is an entry of a list, `{}` a value of a map. **Required** fields are so within their parent.
What has to hold between fields stands below the tables, in the words with which `kubectl apply`
refuses what does not.
"""


def reference() -> str:
    """The page, in Markdown."""
    return "\n".join([_HEAD, *(_kind(crd) for crd in custom_resource_definitions())])


def _kind(crd: Manifest) -> str:
    names = crd["spec"]["names"]
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    lines = [f"## {names['kind']}", "", f"`kubectl get {names['shortNames'][0]}`", ""]
    for part in ("spec", "status"):
        lines += [f"### {names['kind']}: {part}", "", "| field | type | default | what |"]
        lines += ["|---|---|---|---|", *_rows(schema[part], "", required=()), ""]
    rules = list(dict.fromkeys(_rules(schema["spec"], "spec")))
    return "\n".join([*lines, *(["Refused otherwise:", "", *rules, ""] if rules else [])])


def _rows(node: Manifest, path: str, required: tuple[str, ...]) -> Iterator[str]:
    if path:
        yield _row(node, path, path.rpartition(".")[2] in required)
    inner = tuple(node.get("required", ()))
    for name, child in node.get("properties", {}).items():
        yield from _rows(child, f"{path}.{name}" if path else name, inner)
    for sign, key in (("[]", "items"), ("{}", "additionalProperties")):
        child = node.get(key)
        if isinstance(child, dict) and child.get("properties"):
            for name, entry in child["properties"].items():
                yield from _rows(entry, f"{path}{sign}.{name}", tuple(child.get("required", ())))


def _row(node: Manifest, path: str, required: bool) -> str:
    default = f"`{json.dumps(node['default'])}`" if "default" in node else ""
    said = f"{'**Required.** ' if required else ''}{node.get('description', '')}"
    if "enum" in node:
        said += f" One of {', '.join(f'`{value}`' for value in node['enum'])}."
    return f"| `{path}` | {_type(node)} | {_cell(default)} | {_cell(said)} |"


def _type(node: Manifest) -> str:
    if node.get("type") == "array":
        return f"list of {_type(node['items'])}s"
    inner: Any = node.get("additionalProperties")
    return f"map of {_type(inner)}s" if isinstance(inner, dict) else str(node.get("type", "any"))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _rules(node: Manifest, path: str) -> Iterator[str]:
    for entry in node.get("x-kubernetes-validations", []):
        yield f"- `{path}`: {entry['message']}"
    for name, child in node.get("properties", {}).items():
        yield from _rules(child, f"{path}.{name}")
    for sign, key in (("[]", "items"), ("{}", "additionalProperties")):
        if isinstance(node.get(key), dict):
            yield from _rules(node[key], f"{path}{sign}")


def main() -> None:
    """Write the page into the file that is the only argument."""
    Path(sys.argv[1]).write_text(reference())


if __name__ == "__main__":
    main()

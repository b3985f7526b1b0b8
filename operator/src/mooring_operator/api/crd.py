"""The three CustomResourceDefinitions, and the command that writes them.

`python -m mooring_operator.api.crd FOLDER` writes one file per kind; `make generate` calls it.
"""

import sys
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from mooring.contract import GROUP, VERSION
from mooring_operator.api.binding import BindingSpec, BindingStatus
from mooring_operator.api.schema import structural_schema
from mooring_operator.api.workspace import WorkspaceSpec, WorkspaceStatus
from mooring_operator.api.workspaceclass import WorkspaceClassSpec, WorkspaceClassStatus

Manifest = dict[str, Any]

_READY = ".status.conditions[?(@.type=='Ready')].%s"


def _column(name: str, path: str, kind: str = "string", priority: int = 0) -> Manifest:
    return {"name": name, "type": kind, "jsonPath": path, "priority": priority}


def _ready_columns() -> list[Manifest]:
    return [
        _column("Ready", _READY % "status"),
        _column("Reason", _READY % "reason"),
    ]


_AGE = _column("Age", ".metadata.creationTimestamp", "date")


def custom_resource_definitions() -> list[Manifest]:
    """The CRDs of workspace class, workspace and binding, as manifests."""
    return [
        _definition(
            "MlflowWorkspaceClass",
            plural="mlflowworkspaceclasses",
            short="mlwc",
            scope="Cluster",
            what="the object store, the database server and the defaults of a platform team",
            spec=WorkspaceClassSpec,
            status=WorkspaceClassStatus,
            columns=[
                *_ready_columns(),
                _column("Bucket", ".spec.artifactStore.s3.bucket"),
                _AGE,
            ],
            spec_required=True,
        ),
        _definition(
            "MlflowWorkspace",
            plural="mlflowworkspaces",
            short="mlw",
            scope="Namespaced",
            what="a team's tracking server, backend store and artifact store",
            spec=WorkspaceSpec,
            status=WorkspaceStatus,
            columns=[
                *_ready_columns(),
                _column("URL", ".status.url"),
                _column("Store", ".status.artifactRoot"),
                _AGE,
            ],
        ),
        _definition(
            "MlflowBinding",
            plural="mlflowbindings",
            short="mlb",
            scope="Namespaced",
            what="a claim on a workspace, in the namespace where pods run",
            spec=BindingSpec,
            status=BindingStatus,
            columns=[
                *_ready_columns(),
                _column("Workspace", ".spec.workspaceRef.name"),
                _column("URL", ".status.url"),
                _AGE,
            ],
            spec_required=True,
        ),
    ]


def _definition(
    kind: str,
    *,
    plural: str,
    short: str,
    scope: str,
    what: str,
    spec: type[BaseModel],
    status: type[BaseModel],
    columns: list[Manifest],
    spec_required: bool = False,
) -> Manifest:
    spec_schema = structural_schema(spec)
    if not spec_required:
        spec_schema["default"] = {}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": scope,
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
                "shortNames": [short],
                "categories": ["mlops"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": columns,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "description": f"{kind}: {what}.",
                            "properties": {
                                "apiVersion": {"type": "string"},
                                "kind": {"type": "string"},
                                "metadata": {
                                    "type": "object",
                                    "properties": {"name": {"type": "string", "maxLength": 63}},
                                },
                                "spec": spec_schema,
                                "status": _status_schema(status),
                            },
                            **({"required": ["spec"]} if spec_required else {}),
                            "x-kubernetes-validations": [_name_rule()],
                        }
                    },
                }
            ],
        },
    }


def _name_rule() -> Manifest:
    return {
        "rule": "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$') "
        "&& size(self.metadata.name) <= 35",
        "message": "metadata.name has at most 35 characters of a-z, 0-9 and '-', and starts with "
        "a letter: names of Services and Jobs are made from it",
    }


def _status_schema(model: type[BaseModel]) -> Manifest:
    schema = structural_schema(model)
    schema["properties"]["conditions"] |= {
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    }
    for field in schema["properties"].values():
        # a status is written by the operator alone: the API server must not fill in parts of it
        field.pop("default", None)
    return schema


def main() -> None:
    """Write the CRDs into the folder that is the only argument."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for crd in custom_resource_definitions():
        text = "# Made by `make generate` from operator/src/mooring_operator/api; do not edit.\n"
        text += yaml.safe_dump(crd, sort_keys=False, width=100)
        (folder / f"{crd['spec']['names']['plural']}.yaml").write_text(text)


if __name__ == "__main__":
    main()

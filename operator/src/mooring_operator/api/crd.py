"""The three CustomResourceDefinitions, and the command that writes them.

`python -m mooring_operator.api.crd FOLDER` writes one file per kind; `make generate` calls it.
"""

import sys
from collections.abc import Sequence
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


def _columns(*own: Manifest) -> list[Manifest]:
    """What every kind shows, around its `own` columns; `kubectl get -o wide` adds the message."""
    return [
        _column("Ready", _READY % "status"),
        _column("Reason", _READY % "reason"),
        *own,
        _column("Age", ".metadata.creationTimestamp", "date"),
        _column("Message", _READY % "message", priority=1),
    ]


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
            columns=_columns(
                # whichever store is set, whatever it calls its place
                _column("Store", ".spec.artifactStore.*['bucket','bucketTemplate','container']"),
                _column("Database", ".spec.backendStore.*.host"),
            ),
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
            columns=_columns(
                _column("URL", ".status.url"),
                _column("Store", ".status.artifactRoot"),
                _column("Class", ".status.className", priority=1),
                _column("Findings", ".status.findings.total", "integer", priority=1),
            ),
            extra_rules=[_class_rule()],
        ),
        _definition(
            "MlflowBinding",
            plural="mlflowbindings",
            short="mlb",
            scope="Namespaced",
            what="a claim on a workspace, in the namespace where pods run",
            spec=BindingSpec,
            status=BindingStatus,
            columns=_columns(
                _column("Workspace", ".status.workspace['namespace','name']"),
                _column("URL", ".status.url"),
                _column("Store", ".status.artifactRoot"),
            ),
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
    extra_rules: Sequence[Manifest] = (),
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
                            "x-kubernetes-validations": [_name_rule(), *extra_rules],
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


def _class_rule() -> Manifest:
    return {
        "rule": "!has(oldSelf.status) || !has(oldSelf.status.className) || "
        "!has(self.spec) || !has(self.spec.className) || "
        "self.spec.className == oldSelf.status.className",
        "messageExpression": "'the runs and artifacts of this workspace are in the stores of '"
        " + 'MlflowWorkspaceClass ' + oldSelf.status.className + ' and would stay behind: leave '"
        " + 'spec.className at ' + oldSelf.status.className + ', and make another workspace for '"
        " + self.spec.className",
        "message": "spec.className cannot change once the workspace is provisioned: make another",
        "fieldPath": ".spec.className",
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

"""Whatever stands in a spec: a finding or manifests come out, never a crash."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mooring_operator.api.binding import BindingSpec
from mooring_operator.api.conditions import Finding
from mooring_operator.api.workspace import WorkspaceSpec
from mooring_operator.api.workspaceclass import WorkspaceClassSpec
from mooring_operator.plan.artifactstore import store_client
from mooring_operator.plan.binding import (
    launcher_rights,
    pod_fragment,
    published_objects,
    workspace_of,
)
from mooring_operator.plan.connection import Connection
from mooring_operator.plan.metadata import Owner
from mooring_operator.plan.trust import accounts, trusted
from mooring_operator.reconcile.loading import class_name, parse_spec
from mooring_operator.reconcile.triggers import Triggers
from mooring_operator.reconcile.world import attempt
from tests.unit.operator.specs import specs_of

MODELS: dict[str, type[Any]] = {
    "MlflowWorkspaceClass": WorkspaceClassSpec,
    "MlflowWorkspace": WorkspaceSpec,
    "MlflowBinding": BindingSpec,
}
WORKSPACE = Owner("MlflowWorkspace", "team", "models", "1")
OWNER = Owner("MlflowBinding", "team", "guest", "2")
MANY = settings(max_examples=30, suppress_health_check=list(HealthCheck))


def live(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": "models", "namespace": "team", "uid": "1", "generation": 1}
    return {"apiVersion": "mooring.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


@pytest.mark.parametrize("kind", MODELS)
@MANY
@given(data=st.data())
def test_a_spec_is_read_or_the_finding_names_its_field(kind: str, data: st.DataObject) -> None:
    spec = data.draw(specs_of(kind))
    read = attempt(lambda: parse_spec(MODELS[kind], live(kind, spec)))
    if isinstance(read, Finding):
        assert read.reason == "InvalidSpec"
        assert read.message.startswith(f"{kind} models, spec")


@pytest.mark.parametrize("kind", MODELS)
@MANY
@given(data=st.data())
def test_an_event_of_any_object_becomes_keys(kind: str, data: st.DataObject) -> None:
    triggers = Triggers()
    spec = data.draw(specs_of(kind))
    keys = triggers.own("ADDED", live(kind, spec))
    assert keys
    assert triggers.own("MODIFIED", live(kind, spec)) == [], "nothing is worked on twice"
    assert triggers.own("DELETED", live(kind, spec))


@MANY
@given(specs_of("MlflowWorkspace"))
def test_the_class_of_any_workspace(spec: dict[str, Any]) -> None:
    assert class_name(live("MlflowWorkspace", spec)) in {None, spec.get("className") or None}


@MANY
@given(specs_of("MlflowBinding"), specs_of("MlflowWorkspaceClass"))
def test_any_binding_is_answered_with_manifests(
    spec: dict[str, Any], of_class: dict[str, Any]
) -> None:
    binding = live("MlflowBinding", spec)
    assert len(workspace_of(binding)) == 2
    assert trusted(WORKSPACE, [binding])
    read = attempt(lambda: parse_spec(BindingSpec, binding))
    class_ = attempt(lambda: parse_spec(WorkspaceClassSpec, live("MlflowWorkspaceClass", of_class)))
    if isinstance(read, Finding) or isinstance(class_, Finding):
        return
    connection = Connection(WORKSPACE, store_client(class_.artifact_store, WORKSPACE, {}))
    objects = published_objects(OWNER, read, connection)
    own = [read.launcher] if read.launcher else []
    rights = launcher_rights(OWNER, [*class_.launchers, *own], connection)
    fragment = pod_fragment(OWNER, connection, class_.guard, read.guard)
    assert json.dumps([objects, rights, fragment])
    assert len({(o["kind"], o["metadata"]["name"]) for o in objects}) == len(objects)
    assert all(account.namespace == "team" for account in accounts(binding))

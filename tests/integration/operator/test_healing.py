"""Healing: what someone deletes or edits by hand is back within two seconds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from mooring_operator.kube import (
    BINDING,
    CONFIG_MAP,
    DEPLOYMENT,
    ROLE_BINDING,
    SERVICE,
    SERVICE_ACCOUNT,
    Kind,
)
from tests.integration.operator.api import Manifest
from tests.integration.operator.kubelet import fake_garbage_collector
from tests.integration.operator.world import World, until

BACK_S = 2.0

OWNED = [
    (SERVICE_ACCOUNT, "models-mlflow"),
    (SERVICE, "models-mlflow"),
    (DEPLOYMENT, "models-mlflow"),
    (CONFIG_MAP, "models-mlflow"),
    (ROLE_BINDING, "models-mlflow-launcher"),
    (BINDING, "models"),
]


@dataclass(frozen=True)
class Edit:
    """What someone writes into an object by hand, and where to see that it is right again."""

    kind: Kind
    name: str
    edit: dict[str, Any]
    field: Callable[[Manifest], object]


EDITS = [
    Edit(
        CONFIG_MAP,
        "models-mlflow",
        {"data": {"MLFLOW_TRACKING_URI": "sqlite:///lost.db"}},
        lambda live: live["data"]["MLFLOW_TRACKING_URI"],
    ),
    Edit(
        SERVICE,
        "models-mlflow",
        {"spec": {"ports": [{"name": "http", "port": 5001, "targetPort": "http"}]}},
        lambda live: [port["port"] for port in live["spec"]["ports"]],
    ),
    Edit(
        DEPLOYMENT,
        "models-mlflow",
        {"spec": {"replicas": 0}},
        lambda live: live["spec"]["replicas"],
    ),
    Edit(
        SERVICE_ACCOUNT,
        "models-mlflow",
        {"automountServiceAccountToken": True},
        lambda live: live["automountServiceAccountToken"],
    ),
    Edit(
        ROLE_BINDING,
        "models-mlflow-launcher",
        {"subjects": None},
        lambda live: live.get("subjects"),
    ),
    Edit(
        BINDING,
        "models",
        {"spec": {"workspaceRef": {"name": "other"}}},
        lambda live: live["spec"]["workspaceRef"],
    ),
    Edit(
        CONFIG_MAP,
        "models-mlflow",
        {"metadata": {"labels": {"app.kubernetes.io/managed-by": "someone"}}},
        lambda live: live["metadata"]["labels"]["app.kubernetes.io/managed-by"],
    ),
]


@pytest.fixture
def world(healing_world: World) -> World:
    return healing_world


@pytest.fixture
def team(world: World) -> Iterator[str]:
    namespace = f"team-{world.id}"
    yield namespace
    world.converge(namespace)
    world.binding_is(namespace, "models", "True")


@pytest.mark.parametrize(("kind", "name"), OWNED, ids=lambda value: getattr(value, "kind", ""))
def test_what_is_deleted_is_back(world: World, team: str, kind: Kind, name: str) -> None:
    live = world.api.get(kind, team, name)
    assert live is not None
    uid = live["metadata"]["uid"]
    world.api.delete(kind, team, name)
    fake_garbage_collector(world.api, team)

    def anew() -> bool:
        again = world.api.get(kind, team, name)
        return again is not None and again["metadata"]["uid"] != uid

    until(anew, f"{kind.kind} {name}", BACK_S)


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.kind.kind)
def test_what_is_edited_is_put_right(world: World, team: str, edit: Edit) -> None:
    kind, name = edit.kind, edit.name
    live = world.api.get(kind, team, name)
    assert live is not None
    wanted = edit.field(live)
    world.api.patch(kind, team, name, edit.edit)

    def right() -> bool:
        again = world.api.get(kind, team, name)
        return again is not None and edit.field(again) == wanted

    until(right, f"{kind.kind} {name} to be {wanted}", BACK_S)


def test_fields_of_others_are_left_alone(world: World, team: str) -> None:
    injected = {"metadata": {"annotations": {"mesh.example/injected": "true"}}}
    world.api.patch(DEPLOYMENT, team, "models-mlflow", injected)
    world.api.patch(DEPLOYMENT, team, "models-mlflow", {"spec": {"replicas": 3}})

    def one() -> bool:
        live = world.api.get(DEPLOYMENT, team, "models-mlflow")
        return live is not None and live["spec"]["replicas"] == 1

    until(one, "the number of replicas", BACK_S)
    live = world.api.get(DEPLOYMENT, team, "models-mlflow")
    assert live is not None
    assert live["metadata"]["annotations"]["mesh.example/injected"] == "true"


def test_everything_goes_with_its_owner(world: World, team: str) -> None:
    owners = {(BINDING, "models"): "MlflowWorkspace", (SERVICE, "models-mlflow"): "MlflowWorkspace",
              (CONFIG_MAP, "models-mlflow"): "MlflowBinding"}  # fmt: skip
    for (kind, name), owner in owners.items():
        live = world.api.get(kind, team, name)
        assert live is not None
        [reference] = live["metadata"]["ownerReferences"]
        assert (reference["kind"], reference["name"]) == (owner, "models")
        assert reference["controller"]
        assert reference["blockOwnerDeletion"]

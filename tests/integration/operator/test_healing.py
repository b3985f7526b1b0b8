"""Healing: what someone deletes or edits by hand is back within two seconds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from mooring.contract import AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
from mooring_operator.kube import (
    BINDING,
    CONFIG_MAP,
    CRON_JOB,
    DEPLOYMENT,
    HTTP_ROUTE,
    INGRESS,
    JOB,
    NETWORK_POLICY,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    POD_DISRUPTION_BUDGET,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    SERVICE_MONITOR,
    Kind,
)
from mooring_operator.plan.metadata import MANAGED_SELECTOR
from mooring_operator.watches import CHILDREN
from tests.integration.operator.api import Manifest
from tests.integration.operator.kubelet import fake_garbage_collector
from tests.integration.operator.process import PROGRAM, Operator
from tests.integration.operator.promptness import Answers, prompt
from tests.integration.operator.test_crash import restarted
from tests.integration.operator.world import World

BACK_S = 2.0
NEVER = PROGRAM.replace(
    "from mooring_operator.main",
    "from mooring_operator import queue\n"
    "queue.BACKOFF_BASE_S = queue.BACKOFF_LIMIT_S = 3600.0\n"
    "from mooring_operator.main",
)
"""An operator that does not try again by itself within the hour."""

NOT_ALWAYS = {CRON_JOB, HTTP_ROUTE, INGRESS, SERVICE_MONITOR, PERSISTENT_VOLUME_CLAIM}
"""What only some ask for: test_garbage_collection.py, test_exposure.py, test_monitoring.py and
test_volume.py."""
OWNED = [kind for kind in (*CHILDREN, BINDING) if kind not in {POD, *NOT_ALWAYS}]
"""Every kind that the operator makes for each class; nobody but a controller makes pods."""


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
        NETWORK_POLICY,
        "models-mlflow",
        {"spec": {"ingress": [{}]}},
        lambda live: live["spec"]["ingress"],
    ),
    Edit(
        POD_DISRUPTION_BUDGET,
        "models-mlflow",
        {"spec": {"maxUnavailable": 2}},
        lambda live: live["spec"]["maxUnavailable"],
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
    Edit(
        SERVICE,
        "models-mlflow",
        {"metadata": {"ownerReferences": None}},
        lambda live: len(live["metadata"].get("ownerReferences", [])),
    ),
    Edit(
        SECRET,
        "models-mlflow",
        {"data": {AWS_SECRET_ACCESS_KEY: "bm9ib2R5J3Mga2V5"}},
        lambda live: live["data"][AWS_SECRET_ACCESS_KEY],
    ),
    Edit(
        SECRET,
        "models-mlflow",
        {"data": {AWS_ACCESS_KEY_ID: None}},
        lambda live: live["data"].get(AWS_ACCESS_KEY_ID),
    ),
    Edit(
        SECRET,
        "models-mlflow-store",
        {"data": {AWS_SECRET_ACCESS_KEY: "bm9ib2R5J3Mga2V5"}},
        lambda live: live["data"][AWS_SECRET_ACCESS_KEY] != "bm9ib2R5J3Mga2V5",
    ),
    Edit(
        SECRET,
        "models-mlflow-store",
        {"data": {AWS_SECRET_ACCESS_KEY: None}},
        lambda live: AWS_SECRET_ACCESS_KEY in live["data"],
    ),
    Edit(
        SECRET,
        "models-mlflow-database",
        {"metadata": {"ownerReferences": None}},
        lambda live: len(live["metadata"].get("ownerReferences", [])),
    ),
]


@pytest.fixture
def world(healing_world: World) -> World:
    return healing_world


@pytest.fixture(scope="module")
def back() -> Iterator[Answers]:
    """What is put right is so within two seconds."""
    with prompt(BACK_S) as answers:
        yield answers


@pytest.fixture
def team(world: World) -> Iterator[str]:
    namespace = f"team-{world.id}"
    yield namespace
    world.converge(namespace)
    world.binding_is(namespace, "models", "True")


def made(world: World, namespace: str, kind: Kind) -> dict[str, str]:
    """Names and uids of what the operator made of a kind."""
    labels = "" if kind == BINDING else MANAGED_SELECTOR
    found = [live["metadata"] for live in world.api.list(kind, namespace, labels)]
    return {each["name"]: each["uid"] for each in found}


@pytest.mark.parametrize("kind", OWNED, ids=lambda kind: kind.kind)
def test_what_is_deleted_is_back(world: World, team: str, back: Answers, kind: Kind) -> None:
    before = made(world, team, kind)
    assert before, f"the operator makes a {kind.kind}"
    for name, uid in before.items():
        world.api.delete(kind, team, name)
        fake_garbage_collector(world.api, team)
        back.until(
            partial(lambda name, uid: made(world, team, kind).get(name, uid) != uid, name, uid),
            f"{kind.kind} {name}",
        )
        world.converge(team)


def test_every_kind_is_edited_by_some_test() -> None:
    # nothing in a Job can be edited but its metadata, which nobody reads
    assert {edit.kind for edit in EDITS} == set(OWNED) - {JOB}


@pytest.mark.parametrize(
    "edit", EDITS, ids=lambda edit: f"{edit.kind.kind}-{next(iter(edit.edit))}"
)
def test_what_is_edited_is_put_right(world: World, team: str, back: Answers, edit: Edit) -> None:
    kind, name = edit.kind, edit.name
    live = world.api.get(kind, team, name)
    assert live is not None
    wanted = edit.field(live)
    world.api.patch(kind, team, name, edit.edit)

    def right() -> bool:
        again = world.api.get(kind, team, name)
        return again is not None and edit.field(again) == wanted

    back.until(right, f"{kind.kind} {name} to be {wanted}")


def test_fields_of_others_are_left_alone(world: World, team: str, back: Answers) -> None:
    injected = {"metadata": {"annotations": {"mesh.example/injected": "true"}}}
    world.api.patch(DEPLOYMENT, team, "models-mlflow", injected)
    world.api.patch(DEPLOYMENT, team, "models-mlflow", {"spec": {"replicas": 3}})

    def two() -> bool:
        live = world.api.get(DEPLOYMENT, team, "models-mlflow")
        return live is not None and live["spec"]["replicas"] == 2

    back.until(two, "the number of replicas")
    live = world.api.get(DEPLOYMENT, team, "models-mlflow")
    assert live is not None
    assert live["metadata"]["annotations"]["mesh.example/injected"] == "true"


def test_a_mended_admin_secret_is_noticed(world: World, team: str, operator: Operator) -> None:
    with restarted(operator):
        operator.stop()
        patient = operator.other(NEVER)
        patient.start()
        world.database_admin("not the password")
        world.workspace_is(team, "WrongCredentials", "DatabaseReady")
        world.database_admin(world.postgresql.password)
        world.workspace_is(team, "True", "DatabaseReady")
        assert patient.stop() == 0


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

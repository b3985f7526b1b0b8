"""The main path: from a workspace with an empty spec to what its pods need."""

from collections import Counter
from uuid import uuid4

from mooring import contract
from mooring_operator.kube import (
    BINDING,
    DEPLOYMENT,
    JOB,
    ROLE_BINDING,
    SECRET,
    WORKSPACE,
    WORKSPACE_CLASS,
)
from mooring_operator.stores.names import database_names
from tests.integration.operator import outside
from tests.integration.operator.api import Manifest
from tests.integration.operator.kubelet import complete, serve
from tests.integration.operator.process import Operator
from tests.integration.operator.world import World, decoded, until
from tests.integration.stores.s3_client import OK


def jobs(world: World, namespace: str, component: str) -> list[Manifest]:
    return world.api.list(JOB, namespace, f"app.kubernetes.io/component={component}")


def fragment(world: World, namespace: str) -> Manifest:
    live = world.api.get(BINDING, namespace, "models")
    assert live is not None
    pod: Manifest = live["status"]["pod"]
    return pod


def test_minted(world: World) -> None:
    world.make_class("Minted")
    team = world.namespace("team")
    prefix = f"{team}/models"
    assert world.published(team, "models") == {}, "a pod of the team has nowhere to log to"
    assert not outside.user_exists(world, team)
    assert outside.databases(world, team) == []

    world.make_workspace(team)
    world.binding_is(team, "models", "True")

    environment = world.published(team, "models")
    assert environment[contract.TRACKING_URI] == f"http://models-mlflow.{team}.svc:5000"
    assert environment[contract.ARTIFACT_ROOT] == f"s3://mlflow-{world.id}/{prefix}"
    assert environment[contract.WORKSPACE] == f"{team}/models"
    assert outside.put(world, environment, prefix) == OK
    assert outside.put(world, environment, "team-b/models") == "AccessDenied"
    assert outside.key_ids(world, team) == [environment[contract.AWS_ACCESS_KEY_ID]]
    pod = fragment(world, team)
    sources = [
        {"configMapRef": {"name": "models-mlflow"}},
        {"secretRef": {"name": "models-mlflow"}},
    ]
    assert pod["envFrom"] == sources
    assert (pod["volumes"], pod["volumeMounts"]) == ([], [])
    assert pod["initContainers"][0]["image"] == "mooring/runtime:1"
    rights = world.api.get(ROLE_BINDING, team, "models-mlflow-launcher")
    assert rights is not None
    assert rights["subjects"] == [
        {"kind": "ServiceAccount", "name": "worker", "namespace": "airflow"}
    ]
    world.converge(team)
    assert outside.login(world, team) == database_names(team, "models").runtime


def test_workload_identity(world: World) -> None:
    outside.register_issuer(world)
    world.make_class("WorkloadIdentity")
    team = world.namespace("team")
    world.make_workspace(team)
    world.converge(team)

    environment = world.published(team, "models")
    assert outside.role_exists(world, team)
    assert environment[contract.AWS_ROLE_ARN].endswith(f":role/mooring-{team}_models")
    assert outside.trusted(world, team) == [f"system:serviceaccount:{team}:*"]
    allowed = f"arn:aws:s3:::mlflow-{world.id}/{team}/models/*"
    assert outside.allowed_objects(world, team) == allowed
    assert decoded(world.api.get(SECRET, team, "models-mlflow")) == {}, "no key exists"
    assert not outside.user_exists(world, team)
    token = fragment(world, team)["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"]
    assert token["audience"] == contract.AWS_AUDIENCE


def test_ready_waits_for_every_step(world: World) -> None:
    world.make_class()
    team = world.namespace("team")
    world.make_workspace(team)

    [migration] = until(lambda: jobs(world, team, "migrate"), "the migration")
    world.binding_is(team, "models", "True")
    found = world.workspace_is(team, "Running", "DatabaseReady")
    assert migration["metadata"]["name"] in found["message"]
    # it starts beside the migration and waits for the schema by itself
    server = until(lambda: world.api.get(DEPLOYMENT, team, "models-mlflow"), "the server")
    world.workspace_is(team, "Starting", "ServerAvailable")
    complete(world.api, migration)
    world.workspace_is(team, "True", "DatabaseReady")
    assert jobs(world, team, "canary") == []
    assert server is not None
    serve(world.api, server)

    [canary] = until(lambda: jobs(world, team, "canary"), "the canary")
    world.workspace_is(team, "True", "ServerAvailable")
    assert world.workspace_is(team, "Running")["status"] == "False", "it serves, but who knows"
    complete(world.api, canary)

    ready = world.workspace_is(team, "True")
    assert ready["reason"] == "Ready"
    world.workspace_is(team, "True", "RoundTripVerified")


def test_the_class_says_how_many_workspaces_its_database_server_takes(world: World) -> None:
    world.make_class()
    found = world.until_condition(
        WORKSPACE_CLASS, "", world.class_name, "DatabaseReady", expected="True"
    )
    # the server has 40, three of them for its superuser; an idle workspace holds 4, one at work 12,
    # and one at work that has users 18
    assert (
        "its 37 connections are enough for 9 workspaces that idle, and for 3 of them at their peak "
        "all at once, 2 where all have spec.auth"
    ) in found["message"]


def test_the_canary_gets_what_pods_get(world: World) -> None:
    team = world.ready_workspace()
    [canary] = jobs(world, team, "canary")
    pod, published = canary["spec"]["template"]["spec"], fragment(world, team)
    assert pod["containers"][0]["envFrom"] == published["envFrom"]
    guards = [container["name"] for container in pod["initContainers"]]
    assert guards == [contract.GUARD_CONTAINER]


def test_a_converged_workspace_is_written_no_more(world: World, operator: Operator) -> None:
    outside.register_issuer(world)
    team = world.ready_workspace(credentials="WorkloadIdentity")
    keys, guests = f"keys-{world.id}", world.namespace("guests")
    world.api.create(world.class_manifest("Minted", name=keys))
    world.make_workspace(team, "minted", className=keys, allowedNamespaces={"from": "All"})
    world.make_binding(guests, "guest", "minted", team)
    world.converge(team, "minted")
    world.binding_is(guests, "guest", "True")
    operator.settle()
    before = world.api.writes()
    poke(world, team)
    assert difference(world, before) == {"PATCH mlflowworkspaces/": 2}, "every write is counted"

    for _ in range(3):
        poke(world, team)
        operator.settle()
    assert difference(world, before) == {"PATCH mlflowworkspaces/": 8}

    assert operator.stop() == 0
    operator.start()
    until(lambda: operator.reconciles("MlflowWorkspace"), "the operator to look at it again")
    operator.settle()
    assert difference(world, before) == {"PATCH mlflowworkspaces/": 8}


def poke(world: World, namespace: str) -> None:
    """Have both workspaces looked at again."""
    for name in ("models", "minted"):
        label = {"metadata": {"labels": {"poke": uuid4().hex}}}
        world.api.patch(WORKSPACE, namespace, name, label)


def difference(world: World, before: Counter[str]) -> dict[str, int]:
    return dict(world.api.writes() - before)


def test_two_workspaces_fit_into_110_mb(world: World, operator: Operator) -> None:
    assert operator.stop() == 0
    operator.start()
    world.make_class()
    for team in (world.namespace("team-a"), world.namespace("team-b")):
        world.make_workspace(team)
        world.converge(team)
    operator.settle()
    assert operator.resident() <= 110e6

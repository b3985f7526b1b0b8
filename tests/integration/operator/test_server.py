"""The tracking server follows its class and its team, and leaves to others what is theirs."""

from typing import Any

import pytest
from kubernetes import client

from mooring.contract import API_VERSION
from mooring_operator.kube import (
    AUTOSCALER,
    DEPLOYMENT,
    POD_DISRUPTION_BUDGET,
    SERVICE,
    WORKSPACE,
)
from tests.integration.operator.api import Api, Manifest, Refused
from tests.integration.operator.process import Operator
from tests.integration.operator.world import World, until


def server(world: World, namespace: str) -> Manifest:
    live = world.api.get(DEPLOYMENT, namespace, "models-mlflow")
    assert live is not None
    return live


def replicas(world: World, namespace: str) -> int:
    return int(server(world, namespace)["spec"]["replicas"])


def edit(world: World, namespace: str, **fields: Any) -> None:
    world.api.patch(WORKSPACE, namespace, "models", {"spec": {"server": fields}})


def budget(world: World, namespace: str) -> Manifest | None:
    return world.api.get(POD_DISRUPTION_BUDGET, namespace, "models-mlflow")


def scale(admin: client.ApiClient, namespace: str, number: int) -> None:
    """Scale as an autoscaler does: by the subresource."""
    client.AppsV1Api(admin).patch_namespaced_deployment_scale(
        "models-mlflow", namespace, {"spec": {"replicas": number}}
    )


def test_a_budget_comes_and_goes_with_the_second_server(world: World) -> None:
    team = world.ready_workspace()
    assert budget(world, team) is None
    edit(world, team, replicas=2)
    world.converge(team)
    assert replicas(world, team) == 2
    live = budget(world, team)
    assert live is not None
    assert live["spec"]["maxUnavailable"] == 1
    assert live["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert live["metadata"]["ownerReferences"][0]["name"] == "models"

    edit(world, team, replicas=1)
    until(lambda: budget(world, team) is None, "the budget to go")
    world.converge(team)


def test_a_budget_of_somebody_else_stays(world: World, operator: Operator) -> None:
    team = world.ready_workspace(server={"replicas": 2})
    world.api.delete(POD_DISRUPTION_BUDGET, team, "models-mlflow")
    until(lambda: budget(world, team), "the budget to be back")
    foreign = {"ownerReferences": None, "labels": None}
    world.api.patch(POD_DISRUPTION_BUDGET, team, "models-mlflow", {"metadata": foreign})
    world.workspace_is(team, "NameTaken", "ServerAvailable")
    edit(world, team, replicas=1)
    until(lambda: replicas(world, team) == 1, "one server")
    operator.settle()
    assert budget(world, team) is not None


def test_an_autoscaler_keeps_its_number(
    world: World, admin: client.ApiClient, operator: Operator
) -> None:
    team = world.ready_workspace()
    scale(admin, team, 3)
    until(lambda: replicas(world, team) == 1, "a number that nobody owns to be put right")

    world.api.create(autoscaler(team, maximum=4))
    scale(admin, team, 3)
    operator.settle()
    assert replicas(world, team) == 3
    until(lambda: budget(world, team), "a budget, as there is more than one server")

    world.edit_class({"server": {"workers": 2}})
    until(lambda: "MLFLOW_WORKERS=2" in environment(world, team), "another template")
    world.converge(team)
    assert replicas(world, team) == 3, "a write of the template leaves it alone"

    world.edit_class({"limits": {"replicas": 2}})
    found = world.workspace_is(team, "LimitExceeded", "ServerAvailable")
    assert f"HorizontalPodAutoscaler {team}/models, spec.maxReplicas: found 4" in found["message"]

    world.api.delete(AUTOSCALER, team, "models")
    world.edit_class({"limits": {"replicas": None}})
    until(lambda: replicas(world, team) == 1, "the number of the workspace")


def autoscaler(namespace: str, maximum: int) -> Manifest:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "models-mlflow"}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "models", "namespace": namespace},
        "spec": {"scaleTargetRef": target, "maxReplicas": maximum},
    }


def environment(world: World, namespace: str) -> list[str]:
    container = server(world, namespace)["spec"]["template"]["spec"]["containers"][0]
    return [f"{each['name']}={each.get('value')}" for each in container["env"]]


def test_beyond_the_limits_of_the_class_nothing_changes(world: World) -> None:
    team = world.ready_workspace()
    world.edit_class({"limits": {"replicas": 2, "memory": "1Gi"}})
    edit(world, team, resources={"limits": {"memory": "4Gi"}})
    found = world.workspace_is(team, "LimitExceeded")
    for part in (f"MlflowWorkspace {team}/models", "spec.server.resources.limits.memory",
                 "found 4Gi", "at most 1Gi"):  # fmt: skip
        assert part in found["message"]
    container = server(world, team)["spec"]["template"]["spec"]["containers"][0]
    assert container["resources"]["limits"]["memory"] == "1Gi"

    world.edit_class({"limits": {"memory": "4Gi"}})
    world.converge(team)
    container = server(world, team)["spec"]["template"]["spec"]["containers"][0]
    assert container["resources"]["limits"]["memory"] == "4Gi"


def test_a_secret_of_the_team_reaches_its_server(world: World) -> None:
    world.make_class()
    team = world.namespace("team")
    reference = {"secretKeyRef": {"name": "proxy", "key": "url"}}
    variables = [{"name": "HTTPS_PROXY", "valueFrom": reference}, {"name": "TZ", "value": "UTC"}]
    world.make_workspace(team, server={"env": variables})
    found = world.workspace_is(team, "SecretNotFound", "ServerAvailable")
    assert "spec.server.env HTTPS_PROXY: Secret proxy does not exist" in found["message"]

    world.secret(team, "proxy", {"URL": "http://proxy"})
    found = world.workspace_is(team, "InvalidSecret", "ServerAvailable")
    assert "no key 'url' but URL" in found["message"]

    world.secret(team, "proxy", {"url": "http://proxy-1"})
    world.converge(team)
    assert "TZ=UTC" in environment(world, team)
    before = server(world, team)["spec"]["template"]
    world.secret(team, "proxy", {"url": "http://proxy-2"})
    until(lambda: server(world, team)["spec"]["template"] != before, "another template")
    world.converge(team)


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ({"name": "MLFLOW_TRACKING_URI", "value": "x"}, "the operator sets this variable itself"),
        ({"name": "MLFLOW_BACKEND_STORE_URI", "value": "x"}, "the operator sets this"),
        ({"name": "MLFLOW_PORT", "value": "1"}, "the operator sets this variable itself"),
        ({"name": "AWS_ACCESS_KEY_ID", "value": "x"}, "every name that begins with AWS_"),
        ({"name": "POD_IP", "value": "x"}, "the operator sets this variable itself"),
        ({"name": "TZ"}, "set exactly one of value and valueFrom"),
        ({"name": "1", "value": "x"}, "spec.server.env[0].name"),
    ],
)
def test_variables_that_are_refused(api: Api, variable: Manifest, told: str) -> None:
    with pytest.raises(Refused, match="MlflowWorkspace") as refused:
        api.create(
            {
                "apiVersion": API_VERSION,
                "kind": "MlflowWorkspace",
                "metadata": {"name": "refused", "namespace": "default"},
                "spec": {"server": {"env": [variable]}},
            }
        )
    assert told in str(refused.value)


def test_a_second_look_writes_nothing(world: World, operator: Operator) -> None:
    spread = {"nodeSelector": {"pool": "a"}, "imagePullSecrets": [{"name": "registry"}]}
    world.admin_secrets()
    manifest = world.class_manifest()
    manifest["spec"]["server"] |= spread
    world.api.create(manifest)
    team = world.namespace("team")
    world.make_workspace(team, server={"replicas": 2, "env": [{"name": "TZ", "value": ""}]})
    world.converge(team)
    operator.settle()
    before = world.api.writes()
    seen = operator.reconciles("MlflowWorkspace")
    world.api.patch(SERVICE, team, "models-mlflow", {"metadata": {"annotations": {"a": "b"}}})
    until(lambda: operator.reconciles("MlflowWorkspace") > seen, "another look")
    operator.settle()
    assert world.api.writes() - before == {"PATCH services/": 1}

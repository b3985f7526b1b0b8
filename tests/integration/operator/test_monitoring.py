"""The metrics of tracking servers, where the cluster knows ServiceMonitors."""

from typing import Any

from kubernetes import client

from mooring_operator.kube import SERVICE_MONITOR, WORKSPACE
from tests.integration.definitions import define
from tests.integration.operator.test_exposure import definition, environment
from tests.integration.operator.world import World, until


def monitored(world: World, namespace: str) -> dict[str, Any]:
    return world.condition(WORKSPACE, namespace, "models", "Monitored")


def test_a_monitor_waits_for_its_definition_heals_and_goes(
    world: World, admin: client.ApiClient
) -> None:
    team = world.ready_workspace()
    assert "MLFLOW_EXPOSE_PROMETHEUS" not in environment(world, team)
    world.edit_class({"monitoring": {"labels": {"release": "prometheus"}}})
    until(lambda: monitored(world, team).get("reason") == "NotInstalled", "the sentence")
    assert "install the Prometheus operator" in monitored(world, team)["message"]
    world.converge(team)

    made = definition(SERVICE_MONITOR)
    define(admin, [made])
    try:
        until(lambda: monitored(world, team).get("status") == "True", "the definition")
        live = world.api.get(SERVICE_MONITOR, team, "models-mlflow")
        assert live is not None
        assert live["metadata"]["labels"]["release"] == "prometheus"
        assert live["spec"]["endpoints"][0]["path"] == "/metrics"
        assert environment(world, team)["MLFLOW_EXPOSE_PROMETHEUS"].startswith("/tmp/")  # noqa: S108

        world.api.delete(SERVICE_MONITOR, team, "models-mlflow")
        until(lambda: world.api.get(SERVICE_MONITOR, team, "models-mlflow"), "it again")
        world.edit_class({"monitoring": None})
        until(lambda: not world.api.list(SERVICE_MONITOR, team), "it to go")
        world.converge(team)
        until(lambda: not monitored(world, team), "its condition to go")
    finally:
        name = made["metadata"]["name"]
        client.ApiextensionsV1Api(admin).delete_custom_resource_definition(name)

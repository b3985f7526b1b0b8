"""A tracking server's name outside the cluster comes, heals and goes with the class's setting."""

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client

from mooring_operator.kube import BINDING, DEPLOYMENT, HTTP_ROUTE, INGRESS, WORKSPACE, Kind
from tests.integration.definitions import define
from tests.integration.operator.api import Api, Manifest, Refused
from tests.integration.operator.process import Operator
from tests.integration.operator.world import World, until

HOST = "{name}.{namespace}.example.com"


def definition(kind: Kind) -> Manifest:
    """As little of somebody else's definition as is needed."""
    group, version = kind.api_version.split("/")
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": anything, "status": anything}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{kind.plural}.{group}",
            "annotations": {"api-approved.kubernetes.io": "unapproved, a part for tests"},
        },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind.kind, "plural": kind.plural},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "schema": {"openAPIV3Schema": schema},
                }
            ],
        },
    }


@pytest.fixture
def gateway_api(admin: client.ApiClient) -> Iterator[Manifest]:
    """The definition of HTTPRoutes, not installed yet."""
    made = definition(HTTP_ROUTE)
    yield made
    try:
        client.ApiextensionsV1Api(admin).delete_custom_resource_definition(made["metadata"]["name"])
    except client.ApiException as error:
        if error.status != 404:  # the test has failed before it installed it
            raise


def exposed(world: World, namespace: str) -> dict[str, Any]:
    return world.condition(WORKSPACE, namespace, "models", "Exposed")


def external_url(world: World, namespace: str) -> str | None:
    live = world.api.get(WORKSPACE, namespace, "models") or {}
    url: str | None = live["status"].get("externalUrl")
    return url


def binding_url(world: World, namespace: str) -> str | None:
    live = world.api.get(BINDING, namespace, "models") or {}
    url: str | None = live["status"].get("externalUrl")
    return url


def environment(world: World, namespace: str) -> dict[str, str]:
    live = world.api.get(DEPLOYMENT, namespace, "models-mlflow")
    assert live is not None
    env = live["spec"]["template"]["spec"]["containers"][0]["env"]
    return {each["name"]: each.get("value", "") for each in env}


def test_an_ingress_comes_heals_and_goes(world: World, operator: Operator) -> None:
    team = world.ready_workspace()
    assert not exposed(world, team)
    ingress = {"className": "nginx", "tls": {"secretName": "wildcard"}}
    world.edit_class({"exposure": {"host": HOST, "ingress": ingress}})
    world.converge(team)
    url = f"https://models.{team}.example.com"
    until(lambda: external_url(world, team) == url, "the URL")
    assert exposed(world, team)["message"] == f"it answers to {url}"
    until(lambda: binding_url(world, team) == url, "the URL on the binding")
    assert f"models.{team}.example.com:*" in environment(world, team)["MLFLOW_SERVER_ALLOWED_HOSTS"]
    assert environment(world, team)["MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"] == url
    live = world.api.get(INGRESS, team, "models-mlflow")
    assert live is not None
    assert live["spec"]["ingressClassName"] == "nginx"
    assert live["metadata"]["ownerReferences"][0]["name"] == "models"

    world.api.delete(INGRESS, team, "models-mlflow")
    until(lambda: world.api.get(INGRESS, team, "models-mlflow"), "the Ingress")
    world.api.patch(INGRESS, team, "models-mlflow", {"spec": {"rules": [{"host": "a.example"}]}})

    def right() -> bool:
        again = world.api.get(INGRESS, team, "models-mlflow") or {}
        return bool(again["spec"]["rules"] == live["spec"]["rules"])

    until(right, "its host")
    operator.settle()

    world.edit_class({"exposure": None})
    until(lambda: not world.api.list(INGRESS, team), "the Ingress to go")
    world.converge(team)
    until(lambda: not exposed(world, team), "its condition to go")
    assert external_url(world, team) is None
    until(lambda: binding_url(world, team) is None, "the URL to go from the binding")


def test_cert_manager_that_is_missing_is_told(world: World) -> None:
    team = world.ready_workspace()
    issuer = {"tls": {"clusterIssuer": "letsencrypt"}}
    world.edit_class({"exposure": {"host": HOST, "ingress": issuer}})
    until(lambda: exposed(world, team).get("reason") == "NotInstalled", "the sentence")
    assert "install cert-manager, or use tls.secretName" in exposed(world, team)["message"]


def test_a_route_waits_for_the_gateway_api_and_for_a_gateway(
    world: World, gateway_api: Manifest, admin: client.ApiClient, operator: Operator
) -> None:
    team = world.ready_workspace()
    parents = [{"name": "public", "namespace": "gateways"}]
    world.edit_class({"exposure": {"host": HOST, "gateway": {"parentRefs": parents}}})
    until(lambda: exposed(world, team).get("reason") == "NotInstalled", "the sentence")
    assert "install the Gateway API" in exposed(world, team)["message"]
    world.converge(team)
    assert exposed(world, team)["reason"] == "NotInstalled", "Ready does not depend on it"
    operator.settle()  # it does not try and try again

    define(admin, [gateway_api])
    until(lambda: exposed(world, team).get("reason") == "Waiting", "the definition to be noticed")
    answer_route(world.api, team, "False")
    until(lambda: exposed(world, team).get("reason") == "NotAccepted", "the refusal")
    assert "no listener fits" in exposed(world, team)["message"]
    answer_route(world.api, team, "True")
    url = f"https://models.{team}.example.com"
    until(lambda: external_url(world, team) == url, "the URL")

    world.api.delete(HTTP_ROUTE, team, "models-mlflow")
    until(lambda: world.api.get(HTTP_ROUTE, team, "models-mlflow"), "the route")
    world.edit_class({"exposure": None})
    until(lambda: not world.api.list(HTTP_ROUTE, team), "the route to go")


def answer_route(api: Api, namespace: str, status: str) -> None:
    """Answer as the controller of a Gateway does."""
    accepted = {"type": "Accepted", "status": status, "message": "no listener fits"}
    parent = {"parentRef": {"name": "public"}, "conditions": [accepted]}
    api.patch_status(HTTP_ROUTE, namespace, "models-mlflow", {"parents": [parent]})


@pytest.mark.parametrize(
    ("exposure", "told"),
    [
        ({"host": HOST}, "set exactly one of gateway, ingress"),
        ({"host": "{name}.example.com", "ingress": {}}, "no two workspaces share a name"),
        ({"host": "{name}-{namespace}.example.com", "ingress": {}}, "no two workspaces share"),
        ({"host": "{name}.{namespace}.Example.com", "ingress": {}}, "a domain in small letters"),
        ({"host": HOST, "ingress": {"tls": {}}}, "set exactly one of secretName, clusterIssuer"),
    ],
)
def test_exposures_that_are_refused(world: World, exposure: Manifest, told: str) -> None:
    manifest = world.class_manifest()
    manifest["spec"]["exposure"] = exposure
    with pytest.raises(Refused) as refused:
        world.api.create(manifest)
    assert told in str(refused.value)

"""A tracking server's name outside the cluster."""

from typing import Any

import pytest

from mooring_operator.api.exposure import Exposure
from mooring_operator.api.server import ServerDefaults, ServerSpec
from mooring_operator.plan.connection import Connection, StoreClient
from mooring_operator.plan.database import DatabaseClient
from mooring_operator.plan.exposure import exposing_object, external
from mooring_operator.plan.metadata import Owner
from mooring_operator.plan.server import ServerPlan, allowed_hosts, server_objects
from mooring_operator.plan.sizing import size
from mooring_operator.status.routes import route_finding

WORKSPACE = Owner("MlflowWorkspace", "team-a", "models", "1")
DATABASE = DatabaseClient("1")
GATEWAY = {"parentRefs": [{"name": "public", "namespace": "gateways"}]}


def exposure(host: str = "{name}.{namespace}.example.com", **fields: Any) -> Exposure:
    return Exposure.model_validate({"host": host, **fields})


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"gateway": GATEWAY}, "https://models.team-a.example.com"),
        ({"gateway": {**GATEWAY, "scheme": "http"}}, "http://models.team-a.example.com"),
        ({"ingress": {}}, "http://models.team-a.example.com"),
        ({"ingress": {"tls": {"secretName": "cert"}}}, "https://models.team-a.example.com"),
        ({"host": "{namespace}.{name}.io", "ingress": {}}, "http://team-a.models.io"),
    ],
)
def test_the_url_is_what_a_browser_shows(fields: dict[str, Any], url: str) -> None:
    assert external(WORKSPACE, exposure(**fields)).url == url


def test_a_route_leads_to_the_service() -> None:
    route = exposing_object(WORKSPACE, exposure(gateway=GATEWAY))
    assert route["kind"] == "HTTPRoute"
    assert route["spec"]["parentRefs"] == GATEWAY["parentRefs"]
    assert route["spec"]["hostnames"] == ["models.team-a.example.com"]
    assert route["spec"]["rules"] == [{"backendRefs": [{"name": "models-mlflow", "port": 5000}]}]


def test_an_ingress_gets_its_certificate_from_a_secret_or_from_cert_manager() -> None:
    given, issued, plain = (
        exposing_object(WORKSPACE, exposure(ingress={"annotations": {"a": "b"}, **tls}))
        for tls in ({"tls": {"secretName": "cert"}}, {"tls": {"clusterIssuer": "ours"}}, {})
    )
    hosts = ["models.team-a.example.com"]
    assert given["spec"]["tls"] == [{"hosts": hosts, "secretName": "cert"}]
    assert given["metadata"]["annotations"] == {"a": "b"}
    assert issued["spec"]["tls"] == [{"hosts": hosts, "secretName": "models-mlflow-tls"}]
    assert issued["metadata"]["annotations"]["cert-manager.io/cluster-issuer"] == "ours"
    assert "tls" not in plain["spec"]


def test_the_server_answers_to_its_host_and_to_pages_from_there() -> None:
    address = external(WORKSPACE, exposure(gateway=GATEWAY))
    assert {address.host, f"{address.host}:*"} <= set(allowed_hosts(WORKSPACE, address))
    assert address.host not in allowed_hosts(WORKSPACE, None)
    defaults = ServerDefaults(image="mooring/server:1")
    plan = ServerPlan(defaults, size(defaults, ServerSpec()), external=address)
    connection = Connection(WORKSPACE, StoreClient("s3://b/x", {}))
    deployment = server_objects(connection, plan, DATABASE)[-1]
    env = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS", "value": address.url} in env


def test_what_gateways_say() -> None:
    def answer(status: str) -> dict[str, Any]:
        accepted = {"type": "Accepted", "status": status, "message": "no listener fits"}
        return {"parentRef": {"name": "public"}, "conditions": [accepted]}

    def finding(*parents: dict[str, Any]) -> Any:
        return route_finding({"metadata": {"name": "r"}, "status": {"parents": list(parents)}})

    assert finding(answer("False"), answer("True")) is None
    assert finding().reason == "Waiting"
    refused = finding(answer("False"))
    assert refused.reason == "NotAccepted"
    assert "Gateway public refuses it: no listener fits" in refused.message

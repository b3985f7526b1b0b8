"""Kubernetes 1.34 and 1.35 have the policies that inject as a beta that can be switched on."""

from collections.abc import Iterator

import pytest
from kubernetes import client, config

from mooring import contract
from tests.chart.rendering import crds
from tests.cluster.apiserver import api_server
from tests.cluster.process import wait_until
from tests.integration.admission.conftest import new_world, policies_in_force
from tests.integration.admission.world import (
    Refused,
    World,
    bound_sources,
    container,
    pod,
    sources_of,
)
from tests.integration.definitions import define

BETA = "admissionregistration.k8s.io/v1beta1"


@pytest.fixture(scope="module")
def beta() -> Iterator[client.ApiClient]:
    """An API server that serves the beta too, as those of 1.34 and 1.35 do when told to."""
    with api_server({"runtime-config": f"{BETA}=true"}) as server:
        api = config.new_client_from_config(config_file=str(server.kubeconfig))
        define(api, crds())
        yield api


def test_the_chart_takes_the_version_that_is_there(beta: client.ApiClient) -> None:
    served = (f"{BETA}/MutatingAdmissionPolicy",)
    with policies_in_force(beta, kubernetes_version="1.35.2", kinds=served) as manifests:
        versions = {m["kind"]: m["apiVersion"] for m in manifests}
        assert versions["MutatingAdmissionPolicy"] == BETA
        assert versions["MutatingAdmissionPolicyBinding"] == BETA
        team: World = new_world(beta)
        team.bind("team-a")
        wait_until(lambda: team.injects(pod("team-a")), "binding team-a to be seen")
        run = {"name": contract.RUN_ID, "value": "of-before"}
        admitted = team.submit(pod("team-a", containers=[container(env=[run])]))
        train = admitted["spec"]["containers"][0]
        assert sources_of(train) == bound_sources("team-a")
        told = [contract.RUN_ID, contract.POD_NAME, contract.RUN_CONTEXT]
        assert [entry["name"] for entry in train["env"]] == told
        assert admitted["spec"]["initContainers"][0]["env"] == [run]
        with pytest.raises(Refused, match="no MlflowBinding named team-b is ready"):
            team.submit(pod("team-b"))

"""`helm install` against a real API server: definitions, policies and a class in one release."""

import pytest
from kubernetes import client, config, dynamic

from tests.chart.releases import NAMESPACE, Helm
from tests.chart.rendering import class_values, crds
from tests.cluster.apiserver import ApiServer


def test_definitions_are_upgraded_under_helm_s_name(helm: Helm, apiserver: ApiServer) -> None:
    """The README's way: under another name the apply would conflict with Helm's."""
    helm.install({})
    api = config.new_client_from_config(config_file=str(apiserver.kubeconfig))
    definitions = dynamic.DynamicClient(api).resources.get(kind="CustomResourceDefinition")
    newer = crds()[0]
    newer["spec"]["versions"][0]["additionalPrinterColumns"].pop()
    with pytest.raises(dynamic.exceptions.ConflictError):
        definitions.server_side_apply(newer, field_manager="kubectl")
    definitions.server_side_apply(newer, field_manager="helm")
    definitions.server_side_apply(crds()[0], field_manager="helm")


def test_one_release_brings_definitions_and_a_class(helm: Helm, apiserver: ApiServer) -> None:
    notes = helm.install(class_values())
    assert "kubectl wait mlwc/default --for=condition=Ready" in notes
    api = config.new_client_from_config(config_file=str(apiserver.kubeconfig))
    classes = dynamic.DynamicClient(api).resources.get(kind="MlflowWorkspaceClass")
    spec = classes.get(name="default").to_dict()["spec"]
    assert spec["artifactStore"]["s3"]["bucket"] == "mlflow"
    assert spec["server"]["image"].startswith("mooring/server:")
    deployment = client.AppsV1Api(api).read_namespaced_deployment("mooring", NAMESPACE)

    notes = helm.install({"admission": {"require": False}})
    assert "There is no class yet" in notes
    assert "a pod that asks for a binding and gets none starts all the same" in notes
    assert not classes.get().items
    unchanged = client.AppsV1Api(api).read_namespaced_deployment("mooring", NAMESPACE)
    assert unchanged.metadata.generation == deployment.metadata.generation

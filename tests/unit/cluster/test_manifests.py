"""What the cluster is told: kind's configuration and the node's storage."""

import ipaddress
from typing import Any

import pytest
import yaml

from tests.cluster.kind import configuration
from tests.cluster.process import ClusterError
from tests.cluster.storage import storage_manifests
from tests.cluster.tools import kubernetes_version, tool_path, tools


def patches(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {patch["kind"]: patch for patch in map(yaml.safe_load, config["kubeadmConfigPatches"])}


def test_the_api_servers_address_is_not_private_as_versitygw_sees_it() -> None:
    config = configuration("x", image="n", api_port=6443)
    services = ipaddress.ip_network(config["networking"]["serviceSubnet"])
    for private in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"):
        assert not services.overlaps(ipaddress.ip_network(private))


def test_a_node_image_of_our_own_gets_what_it_lacks() -> None:
    ours = configuration("x", image="n", api_port=6443)
    assert ours["networking"]["disableDefaultCNI"] is True
    assert patches(ours)["KubeletConfiguration"]["cgroupDriver"] == "cgroupfs"
    theirs = configuration("x", image=None, api_port=0)
    assert "disableDefaultCNI" not in theirs["networking"]
    assert "cgroupDriver" not in patches(theirs)["KubeletConfiguration"]
    assert "image" not in theirs["nodes"][0]


def test_storage_names_fit_together() -> None:
    objects = {item["kind"]: item for item in storage_manifests("image:1")}
    deployment = objects["Deployment"]
    pod = deployment["spec"]["template"]
    account = objects["ServiceAccount"]["metadata"]["name"]
    assert pod["spec"]["serviceAccountName"] == account
    [container] = pod["spec"]["containers"]
    environment = {item["name"]: item.get("value") for item in container["env"]}
    assert environment["SERVICE_ACCOUNT_NAME"] == account  # of the pods that make the folders
    [volume] = pod["spec"]["volumes"]
    assert volume["configMap"]["name"] == objects["ConfigMap"]["metadata"]["name"]
    assert "mkdir -m 0777" in objects["ConfigMap"]["data"]["setup"]


def test_every_program_has_a_version_and_a_place() -> None:
    assert kubernetes_version().startswith("v1.36.")
    assert len({tool_path(name) for name in tools()}) == len(tools())
    with pytest.raises(ClusterError, match="no such program; there are coredns, etcd"):
        tool_path("nonsense")

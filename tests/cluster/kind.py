"""The kind cluster in a Docker engine: its configuration, creation and end."""

import json
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.engine import Engine
from tests.cluster.paths import ClusterPaths
from tests.cluster.process import run, succeeds
from tests.cluster.tools import tool

API_PORT = 6443
"""Of the API server inside the cluster's own network namespace."""

ISSUER = "https://kubernetes.default.svc"
"""Issuer of service account tokens; pods can reach it, so S3's IAM can check a token."""


def node_name(paths: ClusterPaths) -> str:
    """Return the name of the node's container."""
    return f"{paths.name}-control-plane"


def configuration(name: str, *, image: str | None, api_port: int) -> dict[str, Any]:
    """Return kind's configuration of the cluster `name`.

    `image` is the name of a node image made here; None takes kind's own. With `api_port` 0 kind
    looks for a free one.
    """
    kubelet: dict[str, Any] = {
        "kind": "KubeletConfiguration",
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "failCgroupV1": False,
    }
    networking: dict[str, Any] = {
        # Not a private range (RFC 1918): versitygw refuses a token issuer that resolves to one.
        "serviceSubnet": "100.64.0.0/16",
        "podSubnet": "10.244.0.0/24",
        "apiServerAddress": "127.0.0.1",
        "apiServerPort": api_port,
    }
    node: dict[str, Any] = {"role": "control-plane"}
    if image is not None:
        kubelet["cgroupDriver"] = "cgroupfs"
        networking["disableDefaultCNI"] = True
        node["image"] = image
    arguments = [
        {"name": "service-account-issuer", "value": ISSUER},
        {"name": "service-account-jwks-uri", "value": f"{ISSUER}/openid/v1/jwks"},
    ]
    cluster = {
        "kind": "ClusterConfiguration",
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "apiServer": {"extraArgs": arguments},
    }
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": name,
        "networking": networking,
        "nodes": [node],
        "kubeadmConfigPatches": [yaml.safe_dump(patch) for patch in (kubelet, cluster)],
    }


def create(engine: Engine, paths: ClusterPaths, config: dict[str, Any], kubeconfig: Path) -> None:
    """Create the cluster and write `kubeconfig`. Raises ClusterError with kind's last lines."""
    file = paths.state / "kind.json"
    file.write_text(json.dumps(config, indent=2))
    run(
        [tool("kind"), "create", "cluster", "--name", paths.name, "--config", file, "--wait",
         "300s", "--kubeconfig", kubeconfig],
        env=engine.env, log=paths.logs / "kind-create.log",
    )  # fmt: skip


def delete(engine: Engine, paths: ClusterPaths) -> None:
    """Delete the cluster if there is one, or what is left of one."""
    kubeconfig = paths.state / "kind-kubeconfig"
    run(
        [tool("kind"), "delete", "cluster", "--name", paths.name, "--kubeconfig", kubeconfig],
        env=engine.env,
    )
    kubeconfig.unlink(missing_ok=True)


def node_state(engine: Engine, paths: ClusterPaths) -> str | None:
    """Return the state of the node's container as Docker calls it; None when there is none."""
    command = ["container", "inspect", "--format", "{{.State.Status}}", node_name(paths)]
    if not succeeds(["docker", *command], env=engine.env):
        return None
    return engine.docker(*command).strip()

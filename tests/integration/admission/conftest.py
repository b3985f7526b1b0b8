"""A real API server with our definitions, and the chart's policies installed or not."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from kubernetes import client, config

from mooring import contract
from tests.chart.rendering import Manifest, crds, render
from tests.cluster.apiserver import ApiServer
from tests.cluster.process import wait_until
from tests.integration.admission.world import World, fragment, installed, pod
from tests.integration.definitions import define


@pytest.fixture(scope="session")
def api(apiserver: ApiServer) -> client.ApiClient:
    """Client of an API server that knows our kinds."""
    api = config.new_client_from_config(config_file=str(apiserver.kubeconfig))
    define(api, crds())
    return api


@pytest.fixture
def world(api: client.ApiClient) -> World:
    """A namespace of its own; the API server goes away with the session, so it is left behind."""
    return new_world(api)


@pytest.fixture
def elsewhere(api: client.ApiClient) -> World:
    """A second namespace."""
    return new_world(api)


def new_world(api: client.ApiClient) -> World:
    """Make a namespace with the service account that every namespace has."""
    core = client.CoreV1Api(api)
    name = f"team-{uuid4().hex[:8]}"
    core.create_namespace({"metadata": {"name": name}})
    core.create_namespaced_service_account(name, {"metadata": {"name": "default"}})
    return World(api, name)


@pytest.fixture
def unprotected(world: World) -> World:
    """A namespace with an answered binding `team-a`, and no policy in force (any longer)."""
    world.bind("team-a")
    wait_until(lambda: _is_free(world), "policies that another test installed to be gone")
    return world


@pytest.fixture(scope="module")
def policies(api: client.ApiClient) -> Iterator[None]:
    """The chart's admission policies, in force; gone again after the module."""
    with policies_in_force(api):
        yield


@contextmanager
def policies_in_force(api: client.ApiClient, **cluster: Any) -> Iterator[list[Manifest]]:
    """Have the policies that the chart renders for `cluster` in force inside the block."""
    manifests = [
        manifest
        for manifest in render("mooring", **cluster)
        if manifest["apiVersion"].startswith("admissionregistration.k8s.io/")
    ]
    probe = new_world(api)
    with installed(api, manifests):
        _wait_for_policies(probe)
        yield manifests
    wait_until(lambda: _is_free(probe), "the policies to be gone")


def _is_free(probe: World) -> bool:
    unheeded = (pod("nobody"), pod("team-a"), pod())
    return all(probe.admits(each) and not probe.injects(each) for each in unheeded)


def _wait_for_policies(probe: World) -> None:
    probe.bind("team-a")
    wait_until(lambda: probe.injects(pod("team-a")), "the policy for labelled pods")
    wait_until(lambda: not probe.admits(pod("nobody")), "the policy that refuses")
    probe.label(**{contract.DEFAULT_BINDING_LABEL: "team-a"})
    wait_until(lambda: probe.injects(pod()), "the policy for default bindings")
    probe.label(**{contract.DEFAULT_BINDING_LABEL: "nobody"})
    wait_until(lambda: not probe.admits(pod()), "the policy that refuses a missing default")


@pytest.fixture
def team(policies: None, world: World) -> World:
    """A namespace under the policies with an answered binding `team-a`, seen by the API server."""
    world.bind("team-a", fragment("team-a"))
    wait_until(lambda: world.injects(pod("team-a")), "binding team-a to be seen")
    return world

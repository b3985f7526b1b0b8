"""A real API server with our definitions, and the command line as a person runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config

from mooring import contract
from tests.chart.rendering import crds, find, render
from tests.cluster.apiserver import ApiServer
from tests.cluster.process import wait_until
from tests.cluster.tools import tool
from tests.integration.admission.conftest import new_world, policies_in_force
from tests.integration.admission.world import World, apply, fragment
from tests.integration.admission.world import pod as asking
from tests.integration.cli.objects import binding, condition, workspace
from tests.integration.definitions import define

BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def answer(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a kubeconfig."""

    kubeconfig: Path

    def mooring(self, *arguments: str, stdin: str = "") -> Ran:
        """Run `mooring`."""
        return self.run([str(BIN / "mooring"), *arguments], stdin)

    def kubectl(self, *arguments: str) -> Ran:
        """Run the real kubectl, with our plugin on its path."""
        return self.run([str(tool("kubectl")), *arguments])

    def run(self, command: Sequence[str], stdin: str = "") -> Ran:
        """Run a command with this person's kubeconfig."""
        done = subprocess.run(
            command,
            env={"PATH": f"{BIN}:{os.environ['PATH']}", "KUBECONFIG": str(self.kubeconfig)},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def api(apiserver: ApiServer) -> client.ApiClient:
    """Client of an API server that knows our kinds, and the chart's role for those who view."""
    api = config.new_client_from_config(config_file=str(apiserver.kubeconfig))
    define(api, crds())
    apply(api, find(render("mooring"), "ClusterRole", "mooring-view"))
    return api


@pytest.fixture
def team(api: client.ApiClient) -> World:
    """A namespace of its own; the API server goes away with the session, so it is left behind."""
    return new_world(api)


@pytest.fixture
def other(api: client.ApiClient) -> World:
    """Another team's namespace."""
    return new_world(api)


@pytest.fixture(scope="module")
def policies(api: client.ApiClient) -> Iterator[None]:
    """The chart's admission policies, in force; gone again after the module."""
    with policies_in_force(api):
        yield


@pytest.fixture
def bound(policies: None, team: World) -> World:
    """The namespace `team` with a workspace and a binding `team-a`, ready and injected."""
    ready = condition("Ready", "True")
    workspace(team, "team-a", ready)
    binding(team, "team-a", ready, pod=fragment("team-a"))
    wait_until(lambda: team.injects(asking("team-a")), "binding team-a to be seen")
    return team


@pytest.fixture
def admin(api: client.ApiClient, apiserver: ApiServer) -> Person:
    """Somebody who may do everything."""
    return Person(apiserver.kubeconfig)


@pytest.fixture
def member(api: client.ApiClient, team: World, apiserver: ApiServer, tmp_path: Path) -> Person:
    """Somebody who may view the namespace `team`, as the roles view and mooring-view say."""
    return person(api, team, apiserver, tmp_path, ("system:aggregate-to-view", "mooring-view"))


def person(
    api: client.ApiClient, team: World, apiserver: ApiServer, folder: Path, roles: Sequence[str]
) -> Person:
    """Make a service account with `roles` in its namespace, and a kubeconfig with its token."""
    core, namespace = client.CoreV1Api(api), team.namespace
    core.create_namespaced_service_account(namespace, {"metadata": {"name": "person"}})
    subject = {"kind": "ServiceAccount", "name": "person", "namespace": namespace}
    for role in roles:
        client.RbacAuthorizationV1Api(api).create_namespaced_role_binding(
            namespace,
            {
                "metadata": {"name": role.replace(":", "-")},
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role,
                },
                "subjects": [subject],
            },
        )  # fmt: skip
    look = {"namespace": namespace, "group": contract.GROUP, "resource": "mlflowbindings"}
    wait_until(lambda: may(api, namespace, verb="list", **look), "the rights to be seen")
    answer = core.create_namespaced_service_account_token("person", namespace, {"spec": {}})
    content = yaml.safe_load(apiserver.kubeconfig.read_text())
    content["users"][0]["user"] = {"token": answer.status.token}
    content["contexts"][0]["context"]["namespace"] = namespace
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(content))
    return Person(kubeconfig)


def may(api: client.ApiClient, home: str, **wanted: str) -> bool:
    """Whether the API server knows that `person` of namespace `home` may do what is wanted."""
    user = f"system:serviceaccount:{home}:person"
    review = client.AuthorizationV1Api(api).create_subject_access_review(
        {"spec": {"user": user, "resourceAttributes": wanted}}
    )
    return bool(review.status.allowed)

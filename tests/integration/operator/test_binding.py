"""What the author of a binding chooses: experiment, guard, whose pods, what Airflow gets."""

from typing import Any

import pytest
from airflow.providers.cncf.kubernetes.secrets.kubernetes_secrets_backend import (
    KubernetesSecretsBackend,
)
from kubernetes import client

from mooring import contract
from mooring_operator.kube import BINDING, SECRET, WORKSPACE
from mooring_operator.stores.names import subject
from tests.integration.operator import outside
from tests.integration.operator.world import World, decoded, until


def edit(world: World, namespace: str, name: str, **spec: Any) -> None:
    """Change fields of a binding's spec."""
    world.api.patch(BINDING, namespace, name, {"spec": spec})


def guards(world: World, namespace: str, name: str) -> list[dict[str, Any]]:
    """The init containers that the binding gives to its pods."""
    live = world.api.get(BINDING, namespace, name) or {}
    found: list[dict[str, Any]] = live["status"]["pod"]["initContainers"]
    return found


def test_the_experiment_is_the_bindings_name_until_it_says_another(world: World) -> None:
    team = world.ready_workspace()
    before = world.published(team, "models")
    assert before[contract.EXPERIMENT_NAME] == "models"

    edit(world, team, "models", experiment="Häuserpreise / 2026")
    until(lambda: world.published(team, "models") != before, "the experiment")
    after = world.published(team, "models")
    assert after[contract.EXPERIMENT_NAME] == "Häuserpreise / 2026"
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {contract.EXPERIMENT_NAME, contract.GENERATION}
    world.workspace_is(team, "True")

    edit(world, team, "models", experiment=None)
    until(lambda: world.published(team, "models") == before, "the binding's own name")


@pytest.mark.parametrize("mode", ["Enforce", "Warn"])
def test_the_guard_knows_whether_it_may_refuse(world: World, mode: str) -> None:
    team = world.ready_workspace()
    world.make_binding(team, "other", "models", team, guard=mode)
    world.binding_is(team, "other", "True")
    (guard,) = guards(world, team, "other")
    told = [{"name": contract.GUARD_MODE, "value": contract.GUARD_WARN}] if mode == "Warn" else []
    assert guard.get("env", []) == told


def test_without_a_guard_pods_get_all_else(world: World) -> None:
    team = world.ready_workspace()
    enforced = (world.api.get(BINDING, team, "models") or {})["status"]["pod"]
    edit(world, team, "models", guard="Off")
    until(lambda: guards(world, team, "models") == [], "the guard to go")
    fragment = (world.api.get(BINDING, team, "models") or {})["status"]["pod"]
    assert fragment == enforced | {"initContainers": []}

    edit(world, team, "models", guard="Enforce")
    until(lambda: guards(world, team, "models") == enforced["initContainers"], "the guard")


def test_only_the_listed_service_accounts_may_assume_the_role(world: World) -> None:
    outside.register_issuer(world)
    team = world.ready_workspace(credentials="WorkloadIdentity")
    server, train = subject(team, "models-mlflow"), subject(team, "train")
    assert outside.trusted(world, team) == [subject(team)]

    edit(world, team, "models", serviceAccounts=["train"])
    until(lambda: outside.trusted(world, team) == [server, train], "the narrower trust")
    world.binding_is(team, "models", "True")

    world.make_binding(team, "tuning", "models", team, serviceAccounts=["tune"])
    until(lambda: len(outside.trusted(world, team)) == 3, "the second binding's")
    assert subject(team, "tune") in outside.trusted(world, team)

    edit(world, team, "tuning", serviceAccounts=None)
    until(lambda: outside.trusted(world, team) == [subject(team)], "any of the namespace")


def test_service_accounts_cannot_be_told_apart_by_a_key(world: World) -> None:
    team = world.ready_workspace()
    world.make_binding(team, "narrow", "models", team, serviceAccounts=["train"])
    found = world.binding_is(team, "narrow", "NeedsWorkloadIdentity")
    assert f"MlflowWorkspaceClass {world.class_name} hands out keys" in found["message"]
    assert not world.published(team, "narrow")

    edit(world, team, "narrow", serviceAccounts=[])
    world.binding_is(team, "narrow", "True")


class Backend(KubernetesSecretsBackend):
    """Airflow's own, which knows no other API server than the one of its pod."""

    def __init__(self, namespace: str, core: client.CoreV1Api) -> None:
        """Look in `namespace`."""
        super().__init__(namespace=namespace)
        self.__dict__["client"] = core


def test_airflow_finds_the_connection(world: World, admin: client.ApiClient) -> None:
    team = world.ready_workspace()
    airflow = world.namespace("airflow")
    world.api.patch(WORKSPACE, team, "models", {"spec": {"allowedNamespaces": {"from": "All"}}})
    world.make_binding(airflow, "guest", "models", team)
    world.binding_is(airflow, "guest", "True")
    backend = Backend(airflow, client.CoreV1Api(admin))
    assert backend.get_conn_value("mlflow_guest") is None, "nobody asked for it"

    edit(world, airflow, "guest", airflow={"connection": True})
    secret = contract.connection_name("guest")
    until(lambda: world.api.get(SECRET, airflow, secret), "the Secret")
    found = backend.get_connection("mlflow_guest")
    assert found is not None
    assert (found.conn_type, found.schema, found.port) == ("mlflow", "http", 5000)
    assert f"http://{found.host}:5000" == world.published(airflow, "guest")[contract.TRACKING_URI]
    store_key = world.published(airflow, "guest")[contract.AWS_SECRET_ACCESS_KEY]
    assert store_key not in str(decoded(world.api.get(SECRET, airflow, secret)))

    edit(world, airflow, "guest", airflow={"connection": False})
    until(lambda: backend.get_conn_value("mlflow_guest") is None, "the connection to go")
    edit(world, airflow, "guest", airflow={"connection": True})
    until(lambda: backend.get_conn_value("mlflow_guest"), "the connection to come back")
    world.api.patch(WORKSPACE, team, "models", {"spec": {"allowedNamespaces": {"from": "Same"}}})
    world.binding_is(airflow, "guest", "NotAdmitted")
    assert backend.get_conn_value("mlflow_guest") is None


def test_a_launcher_of_its_own_beside_those_of_the_class(world: World) -> None:
    team = world.ready_workspace()
    mine = {"namespace": "airflow-2", "serviceAccount": "worker"}
    world.make_binding(team, "other", "models", team, launcher=mine)
    world.binding_is(team, "other", "True")
    assert world.launchers(team, "other") == ["airflow/worker", "airflow-2/worker"]
    assert world.launchers(team, "models") == ["airflow/worker"]

    edit(world, team, "other", launcher={"namespace": "airflow", "serviceAccount": "worker"})
    until(lambda: world.launchers(team, "other") == ["airflow/worker"], "it to be named once")
    world.edit_class({"launchers": None})
    until(lambda: not world.launchers(team, "models"), "the class's to go")
    assert world.launchers(team, "other") == ["airflow/worker"], "the binding asks for it itself"
    edit(world, team, "other", launcher=None)
    until(lambda: not world.launchers(team, "other"), "the binding's to go")

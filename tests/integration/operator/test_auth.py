"""Users of a tracking server: each binding has one, as long as the workspace admits it."""

import json
from typing import Any

from mooring import contract
from mooring.contract import ROTATE_ANNOTATION
from mooring.passwords import Logins
from mooring_operator.kube import (
    BINDING,
    CRON_JOB,
    DEPLOYMENT,
    JOB,
    ROLE_BINDING,
    SECRET,
    WORKSPACE,
)
from tests.integration.operator.test_allowed_namespaces import allow, withdrawn
from tests.integration.operator.world import World, decoded, until

BASIC: dict[str, Any] = {"basic": {}}
LOGIN = (contract.TRACKING_USERNAME, contract.TRACKING_PASSWORD)


def login_of(world: World, namespace: str, binding: str) -> dict[str, str]:
    published = world.published(namespace, binding)
    return {name: published[name] for name in LOGIN if name in published}


def secret(world: World, team: str) -> dict[str, str]:
    return decoded(world.api.get(SECRET, team, "models-mlflow-auth"))


def good(world: World, team: str, login: dict[str, str]) -> bool:
    """Whether the server takes a login, once the kubelet has told it of the Secret."""
    values = secret(world, team)
    logins = Logins.loaded(values[contract.AUTH_LOGINS_FILE])
    return logins.admit(values[contract.AUTH_KEY_FILE], *(login[name] for name in LOGIN))


def server(world: World, team: str) -> dict[str, Any]:
    live = world.api.get(DEPLOYMENT, team, "models-mlflow")
    assert live is not None
    pod: dict[str, Any] = live["spec"]["template"]["spec"]
    return pod


def variables(container: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each for each in container.get("env", [])}


def test_without_it_pods_have_no_login(world: World) -> None:
    team = world.ready_workspace()
    assert login_of(world, team, "models") == {}
    assert world.api.get(ROLE_BINDING, team, "models-mlflow-login") is None
    assert secret(world, team) == {}
    assert contract.AUTH not in variables(server(world, team)["containers"][0])


def test_each_binding_has_a_user_of_its_own_until_it_is_withdrawn(world: World) -> None:
    team = world.ready_workspace(auth=BASIC, allowedNamespaces={"from": "All"})
    guests = world.namespace("guests")
    world.make_binding(guests, "guest", "models", team, airflow={"connection": True})
    world.binding_is(guests, "guest", "True")
    own, guest = login_of(world, team, "models"), login_of(world, guests, "guest")
    assert own[contract.TRACKING_USERNAME] == f"{team}/models"
    assert guest[contract.TRACKING_USERNAME] == f"{guests}/guest"
    assert good(world, team, own)
    assert good(world, team, guest)
    rights = world.api.get(ROLE_BINDING, guests, "guest-mlflow-login") or {}
    assert [each["name"] for each in rights["subjects"]] == ["worker"], "Airflow logs in as well"
    held = decoded(world.api.get(SECRET, guests, contract.connection_name("guest")))
    connection = json.loads(held["value"])
    assert [connection["login"], connection["password"]] == list(guest.values())

    allow(world, team, {"from": "Same"})
    world.binding_is(guests, "guest", "NotAdmitted")
    assert withdrawn(world, guests)
    assert world.api.get(ROLE_BINDING, guests, "guest-mlflow-login") is None
    until(lambda: not good(world, team, guest), "its login to be refused")
    assert good(world, team, own), "that of others goes on"

    allow(world, team, {"from": "All"})
    world.binding_is(guests, "guest", "True")
    again = login_of(world, guests, "guest")
    assert good(world, team, again)
    assert not good(world, team, guest), "what it had before stays refused"

    world.api.delete(BINDING, guests, "guest")
    until(lambda: not good(world, team, again), "the login of a deleted binding to be refused")


def test_the_server_and_who_works_beside_it_know_of_the_users(world: World) -> None:
    team = world.ready_workspace(auth=BASIC, garbageCollection={"schedule": "@daily"})
    pod = server(world, team)
    [container] = pod["containers"]
    assert variables(container)[contract.AUTH]["value"] == contract.AUTH_PATH
    assert contract.AUTH_PATH in [mount["mountPath"] for mount in container["volumeMounts"]]
    mounted = next(volume["secret"] for volume in pod["volumes"] if volume["name"] == "auth")
    assert [item["key"] for item in mounted["items"]] == ["key", "logins.json"]
    probe = container["readinessProbe"]["httpGet"]
    assert probe["path"] == contract.PROBE_PATH
    assert contract.PROBE_HEADER in [header["name"] for header in probe["httpHeaders"]]

    [migration] = world.api.list(JOB, team, "app.kubernetes.io/component=migrate")
    assert contract.AUTH in variables(migration["spec"]["template"]["spec"]["containers"][0])
    collector = world.api.get(CRON_JOB, team, "models-mlflow") or {}
    inside = collector["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    named = {name: variables(inside)[name]["valueFrom"]["secretKeyRef"] for name in LOGIN}
    values = secret(world, team)
    admin = {name: values[reference["key"]] for name, reference in named.items()}
    assert admin[contract.TRACKING_USERNAME] == "admin"
    assert good(world, team, admin)


def test_a_rotation_replaces_the_passwords_and_refuses_the_old_ones_later(world: World) -> None:
    team = world.ready_workspace(auth=BASIC)
    old, before = login_of(world, team, "models"), server(world, team)
    ask = {"metadata": {"annotations": {ROTATE_ANNOTATION: "now"}}}
    world.api.patch(WORKSPACE, team, "models", ask)
    until(lambda: login_of(world, team, "models") not in ({}, old), "another password")
    new = login_of(world, team, "models")
    assert new[contract.TRACKING_USERNAME] == old[contract.TRACKING_USERNAME]
    assert good(world, team, new)
    assert good(world, team, old), "a pod that holds the old one goes on"
    assert server(world, team)["volumes"] == before["volumes"]
    world.converge(team)

    def begun() -> bool:
        world.converge(team)
        return "null" not in secret(world, team)["rotation"]

    until(begun, "the grace to begin")
    assert good(world, team, old)
    world.edit_class({"rotation": {"grace": "1s"}})
    until(lambda: not good(world, team, old), "the old password to be refused")
    assert good(world, team, login_of(world, team, "models"))


def test_it_comes_and_goes_with_the_field(world: World) -> None:
    team = world.ready_workspace()
    world.api.patch(WORKSPACE, team, "models", {"spec": {"auth": BASIC}})
    until(lambda: login_of(world, team, "models"), "a login")
    world.converge(team)
    assert good(world, team, login_of(world, team, "models"))

    world.api.patch(WORKSPACE, team, "models", {"spec": {"auth": None}})
    until(lambda: not login_of(world, team, "models"), "the login to be gone")
    world.converge(team)
    until(lambda: not secret(world, team), "the Secret to be gone")
    assert contract.AUTH not in variables(server(world, team)["containers"][0])
    assert all(volume["name"] != "auth" for volume in server(world, team)["volumes"])


def test_a_spoiled_secret_is_made_anew_and_the_servers_with_it(world: World) -> None:
    team = world.ready_workspace(auth=BASIC)
    old = login_of(world, team, "models")
    world.api.patch(SECRET, team, "models-mlflow-auth", {"data": {"state": "bm9uc2Vuc2U="}})
    until(lambda: login_of(world, team, "models") not in ({}, old), "another password")
    assert not good(world, team, old)
    world.converge(team)
    assert good(world, team, login_of(world, team, "models"))

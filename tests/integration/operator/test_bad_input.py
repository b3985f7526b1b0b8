"""Bad input: a condition says what is wrong and what to do, and it recovers by itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from mooring.contract import API_VERSION, AWS_ACCESS_KEY_ID
from mooring_operator.api.workspaceclass import DEFAULT_CLASS_ANNOTATION
from mooring_operator.kube import CONFIG_MAP, JOB, WORKSPACE, WORKSPACE_CLASS, Kind
from tests.integration.operator import outside
from tests.integration.operator.api import Manifest, Refused
from tests.integration.operator.process import Operator
from tests.integration.operator.test_allowed_namespaces import guard
from tests.integration.operator.world import World, condition, until
from tests.services.process import closed_port

QUOTA = Kind("v1", "ResourceQuota", "resourcequotas")


@dataclass(frozen=True)
class Case:
    """Something wrong, what must be said about it, and how it is put right."""

    name: str
    spoil: Callable[[World], object]
    type: str
    reason: str
    told: tuple[str, ...]
    mend: Callable[[World], object]


def store_secret(world: World, **values: str) -> None:
    world.secret(world.platform, "store-admin", values)


CASES = (
    Case(
        "wrong access key",
        lambda world: world.store_admin("not-the-key"),
        "ArtifactStoreReady",
        "WrongCredentials",
        ("artifactStore.s3.adminSecret", "correct AWS_ACCESS_KEY_ID"),
        lambda world: world.store_admin(world.versitygw.secret_access_key),
    ),
    Case(
        "misnamed key in the Secret",
        lambda world: store_secret(world, ACCESS_KEY="x", SECRET_KEY="y"),
        "ArtifactStoreReady",
        "InvalidSecret",
        ("store-admin", "has the keys ACCESS_KEY, SECRET_KEY", "must have AWS_ACCESS_KEY_ID"),
        lambda world: world.store_admin(world.versitygw.secret_access_key),
    ),
    Case(
        "a line feed behind the key",
        lambda world: world.store_admin(f"{world.versitygw.secret_access_key}\n"),
        "ArtifactStoreReady",
        "InvalidSecret",
        ("AWS_SECRET_ACCESS_KEY with white space around its value",),
        lambda world: world.store_admin(world.versitygw.secret_access_key),
    ),
    Case(
        "no admin Secret",
        lambda world: world.drop_secret("database-admin"),
        "DatabaseReady",
        "SecretNotFound",
        ("backendStore.postgresql.adminSecret", "database-admin does not exist; create it"),
        lambda world: world.database_admin(world.postgresql.password),
    ),
    Case(
        "wrong password",
        lambda world: world.database_admin("not-the-password"),
        "DatabaseReady",
        "WrongCredentials",
        ("adminSecret", "password"),
        lambda world: world.database_admin(world.postgresql.password),
    ),
    Case(
        "database port closed",
        lambda world: world.edit_postgresql(port=closed_port()),
        "DatabaseReady",
        "Unreachable",
        ("backendStore.postgresql",),
        lambda world: world.edit_postgresql(port=world.postgresql.port),
    ),
    Case(
        "store port closed",
        lambda world: world.edit_s3(endpoint=f"http://127.0.0.1:{closed_port()}"),
        "ArtifactStoreReady",
        "Unreachable",
        ("artifactStore.s3.endpoint", "check that it runs"),
        lambda world: world.edit_s3(endpoint=world.versitygw.s3),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_the_platform_team_gets_wrong(world: World, operator: Operator, case: Case) -> None:
    world.make_class()
    case.spoil(world)
    team = world.namespace("team")
    world.make_workspace(team)

    found = world.workspace_is(team, case.reason, case.type)
    assert found["status"] == "False"
    for part in case.told:
        assert part in found["message"], found["message"]
    summary = world.workspace_is(team, case.reason)
    assert summary["message"] == found["message"], "Ready tells it without a second look"
    assert world.class_is(case.reason)["status"] == "False"
    assert operator.alive()

    case.mend(world)
    world.converge(team)
    world.class_is("True")


def test_a_class_that_comes_later(world: World) -> None:
    world.admin_secrets()
    team = world.namespace("team")
    world.make_workspace(team)
    found = world.workspace_is(team, "ClassNotFound")
    assert "spec.className" in found["message"]
    assert f"'{world.class_name}'" in found["message"]
    assert "kubectl get mlwc" in found["message"]
    assert not outside.databases(world, team), "nothing is half made"

    world.api.create(world.class_manifest())
    world.converge(team)


def test_a_class_that_goes_keeps_what_is_published(world: World) -> None:
    team = world.ready_workspace()
    published = world.published(team, "models")
    before = world.api.get(WORKSPACE_CLASS, "", world.class_name)

    world.api.delete(WORKSPACE_CLASS, "", world.class_name)

    world.workspace_is(team, "ClassNotFound")
    world.binding_is(team, "models", "ClassNotFound")
    world.binding_is(team, "models", "True", "Accepted")
    assert world.published(team, "models") == published, "pods go on"
    assert outside.put(world, published, f"{team}/models") == "OK"
    assert before is not None
    world.api.create(world.class_manifest())
    world.workspace_is(team, "True")
    world.binding_is(team, "models", "True")


def test_the_default_class(world: World) -> None:
    world.make_class()
    team = world.namespace("team")
    empty_workspace(world, team, "models")
    none = world.workspace_is(team, "NoDefaultClass")
    assert "no class is marked" in none["message"]
    assert DEFAULT_CLASS_ANNOTATION in none["message"]
    mark(world, world.class_name, "true")
    world.converge(team)
    published = world.published(team, "models")

    other = f"other-{world.id}"
    marked = world.class_manifest(name=other)
    marked["metadata"]["annotations"] = {DEFAULT_CLASS_ANNOTATION: "true"}
    world.api.create(marked)
    world.until_condition(WORKSPACE_CLASS, "", other, "Ready", expected="True")
    empty_workspace(world, team, "second")
    two = world.until_condition(WORKSPACE, team, "second", "Ready", expected="NoDefaultClass")
    assert f"2 classes are marked ({world.class_name}, {other})" in two["message"]
    mark(world, world.class_name, None)
    world.converge(team, "second")
    world.edit_class({"guard": {"image": "mooring/runtime:2"}})
    until(lambda: guard(world, team, "models") == "mooring/runtime:2", "the new guard")
    world.converge(team)
    again = world.published(team, "models")
    assert again == published, "a new default does not move a workspace away from its data"


def empty_workspace(world: World, namespace: str, name: str) -> None:
    world.api.create(
        {
            "apiVersion": API_VERSION,
            "kind": "MlflowWorkspace",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {},
        }
    )


def mark(world: World, name: str, value: str | None) -> None:
    annotations = {"metadata": {"annotations": {DEFAULT_CLASS_ANNOTATION: value}}}
    world.api.patch(WORKSPACE_CLASS, "", name, annotations)


def changed(manifest: Manifest, path: str, value: Any) -> Manifest:
    """Return the manifest with one field set; `path` as in `spec.server.image`."""
    node = manifest
    *parents, last = path.split(".")
    for part in parents:
        node = node[part]
    node[last] = value
    return manifest


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("spec.artifactStore.s3.bucket", "My_Bucket", "a bucket name has 3 to 63 characters"),
        ("spec.artifactStore.s3.bucket", "-bucket-", "starts and ends with a letter or a digit"),
        ("spec.artifactStore.s3.endpoint", "s3.example.com", "an endpoint is http:// or https://"),
        ("spec.artifactStore.s3.endpoint", "https://s3/", "without a path or a trailing slash"),
        ("spec.artifactStore.s3.prefix", "teams", "prefix must contain {namespace}/{name}"),
        ("spec.artifactStore.s3.credentials", "Keys", "WorkloadIdentity"),
        ("spec.artifactStore", {}, "set exactly one of s3, azure, gcs, volume"),
        ("spec.backendStore", {}, "set exactly one of postgresql, sqlite"),
        ("spec.backendStore.postgresql.host", "db:5432", "the port has a field of its own"),
        ("spec.backendStore.postgresql.port", 0, "greater than or equal to 1"),
        ("metadata.name", "c" * 36, "at most 35 characters"),
    ],
)
def test_a_class_refused_at_apply(world: World, path: str, value: Any, sentence: str) -> None:
    with pytest.raises(Refused) as refusal:
        world.api.create(changed(world.class_manifest(), path, value))
    assert sentence in str(refusal.value)


def test_a_selector_goes_with_selector(world: World) -> None:
    team = world.namespace("team")
    with pytest.raises(Refused, match="selector goes with from: Selector, and only with it"):
        world.make_workspace(team, allowedNamespaces={"from": "Selector"})


def test_the_longest_name_works(world: World) -> None:
    world.make_class()
    team, name = world.namespace("t" * 40), "w" * 35
    world.make_workspace(team, name)
    world.converge(team, name)


def test_objects_of_others_are_left_alone(world: World) -> None:
    world.make_class()
    team = world.namespace("team")
    world.config_map(team, "models-mlflow", {"theirs": "kept"})
    world.make_workspace(team)
    found = world.binding_is(team, "models", "NameTaken")
    assert f"ConfigMap {team}/models-mlflow exists" in found["message"]
    assert "delete or rename it" in found["message"]
    theirs = world.api.get(CONFIG_MAP, team, "models-mlflow")
    assert theirs is not None
    assert theirs["data"] == {"theirs": "kept"}

    world.api.delete(CONFIG_MAP, team, "models-mlflow")
    world.binding_is(team, "models", "True")
    assert AWS_ACCESS_KEY_ID in world.published(team, "models")


def test_what_the_api_server_refuses_is_told(world: World) -> None:
    world.make_class()
    team = world.namespace("team")
    world.api.create(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "none", "namespace": team},
            "spec": {"hard": {"count/jobs.batch": "0"}},
        }
    )
    world.api.patch_status(QUOTA, team, "none", {"hard": {"count/jobs.batch": "0"},
                                                 "used": {"count/jobs.batch": "0"}})  # fmt: skip
    world.make_workspace(team)
    found = world.workspace_is(team, "Refused")
    assert "exceeded quota: none" in found["message"]
    assert world.api.list(JOB, team) == []

    world.api.delete(QUOTA, team, "none")
    world.converge(team)


def test_a_binding_without_its_workspace(world: World) -> None:
    world.make_class()
    team = world.namespace("team")
    world.make_binding(team, "late", "models", team)
    found = world.binding_is(team, "late", "WorkspaceNotFound")
    assert f"no MlflowWorkspace 'models' in namespace '{team}'" in found["message"]
    assert condition(world.api.get(WORKSPACE, team, "models"), "Ready") == {}
    world.make_workspace(team)
    world.binding_is(team, "late", "True")

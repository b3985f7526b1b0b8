"""What may not change once there is data, and the way out that its author is told."""

from contextlib import closing
from typing import Any

import pytest

from mooring_operator.kube import BINDING, WORKSPACE, WORKSPACE_CLASS
from tests.integration.operator.api import Refused
from tests.integration.operator.world import World, until


@pytest.fixture(scope="module")
def kept(request: pytest.FixtureRequest) -> Any:
    """A workspace that is Ready, in a world that no test changes; and its namespace."""
    services = (
        request.getfixturevalue(name) for name in ("postgresql_service", "versitygw_service")
    )
    request.getfixturevalue("operator")
    with closing(World(request.getfixturevalue("api"), *services)) as world:
        yield world, world.ready_workspace()


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        ("artifactStore.s3.bucket", "another", "the artifacts"),
        ("artifactStore.s3.prefix", "moved/{namespace}/{name}", "the artifacts"),
        ("backendStore.postgresql.host", "another.example.com", "the runs"),
    ],
)
def test_where_the_data_of_a_class_lies(kept: Any, path: str, value: str, what: str) -> None:
    world, _ = kept
    spec: Any = value
    for part in reversed(path.split(".")):
        spec = {part: spec}
    with pytest.raises(Refused) as refusal:
        world.edit_class(spec)
    said = str(refusal.value)
    assert f"spec.{path}: " in said
    assert f"{what} of every workspace of the class would stay behind" in said
    assert "kubectl replace --force -f FILE" in said


def test_a_bucket_of_their_own_for_workspaces_that_share_one(kept: Any) -> None:
    world, _ = kept
    with pytest.raises(Refused) as refusal:
        world.edit_s3(bucket=None, bucketTemplate="mlflow-{namespace}-{name}")
    said = str(refusal.value)
    assert "the artifacts of every workspace of the class would stay behind" in said
    assert "kubectl replace --force -f FILE" in said


def test_the_class_of_a_workspace(kept: Any) -> None:
    world, team = kept
    live = world.api.get(WORKSPACE, team, "models")
    assert live["status"]["className"] == world.class_name
    with pytest.raises(Refused) as refusal:
        world.api.patch(WORKSPACE, team, "models", {"spec": {"className": "gold"}})
    said = str(refusal.value)
    assert "spec.className: " in said
    assert f"are in the stores of MlflowWorkspaceClass {world.class_name}" in said
    assert "make another workspace for gold" in said


def test_what_kubectl_get_shows(kept: Any) -> None:
    world, team = kept
    root = f"s3://mlflow-{world.id}/{team}/models"
    url = f"http://models-mlflow.{team}.svc:5000"
    workspace = world.api.table(WORKSPACE, team, "models")
    assert (workspace["Ready"], workspace["URL"], workspace["Store"]) == ("True", url, root)
    binding = world.api.table(BINDING, team, "models")
    assert (binding["Ready"], binding["URL"], binding["Store"]) == ("True", url, root)
    until(lambda: world.class_is("True"), "the class")
    shown = world.api.table(WORKSPACE_CLASS, "", world.class_name)
    assert (shown["Ready"], shown["Store"]) == ("True", f"mlflow-{world.id}")
    assert shown["Database"] == world.postgresql.host


def test_a_class_can_be_made_anew(world: World) -> None:
    """The way out of the message, as `kubectl replace --force` does it."""
    team = world.ready_workspace()
    moved = world.class_manifest()
    moved["spec"]["artifactStore"]["s3"]["bucket"] = f"moved-{world.id}"
    world.drop_class()
    found = world.workspace_is(team, "ClassNotFound")
    assert found["status"] == "False"
    with pytest.raises(Refused):
        world.api.patch(WORKSPACE, team, "models", {"spec": {"className": "gold"}})
    world.api.create(moved)
    world.converge(team)
    live = world.api.get(WORKSPACE, team, "models") or {}
    assert live["status"]["artifactRoot"].startswith(f"s3://moved-{world.id}/")


def test_a_class_that_was_never_there_can_be_corrected(world: World) -> None:
    world.make_class()
    team = world.namespace("team")
    world.make_workspace(team, className="standrad")
    world.workspace_is(team, "ClassNotFound")
    world.api.patch(WORKSPACE, team, "models", {"spec": {"className": world.class_name}})
    world.converge(team)


def test_kubectl_get_shows_why_something_is_not_ready(world: World) -> None:
    team = world.namespace("team")
    world.make_binding(team, "late", "models", team)
    world.binding_is(team, "late", "WorkspaceNotFound")
    shown = world.api.table(BINDING, team, "late")
    assert (shown["Ready"], shown["Reason"]) == ("False", "WorkspaceNotFound")
    assert "there is no MlflowWorkspace 'models'" in shown["Message"]

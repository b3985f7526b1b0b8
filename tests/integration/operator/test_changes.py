"""Changes of the class reach its workspaces and bindings; proofs are made again where needed."""

from datetime import UTC, datetime, timedelta

from mooring import contract
from mooring_operator.kube import BINDING, DEPLOYMENT, JOB
from tests.integration.operator.api import Manifest
from tests.integration.operator.kubelet import fail
from tests.integration.operator.world import World, until


def jobs(world: World, namespace: str, component: str) -> list[Manifest]:
    return world.api.list(JOB, namespace, f"app.kubernetes.io/component={component}")


def names(world: World, namespace: str, component: str) -> set[str]:
    return {job["metadata"]["name"] for job in jobs(world, namespace, component)}


def server_image(world: World, namespace: str) -> str:
    live = world.api.get(DEPLOYMENT, namespace, "models-mlflow")
    assert live is not None
    return str(live["spec"]["template"]["spec"]["containers"][0]["image"])


def test_a_new_server_image_is_migrated_rolled_out_and_proven(world: World) -> None:
    team = world.ready_workspace()
    migrations, canaries = names(world, team, "migrate"), names(world, team, "canary")

    world.edit_class({"server": {"image": "mooring/server:2"}})

    until(lambda: names(world, team, "migrate") - migrations, "another migration")
    assert server_image(world, team) == "mooring/server:1", "the schema is not ready for it"
    world.workspace_is(team, "False")  # until then converge would find it as ready as before
    world.converge(team)
    until(lambda: names(world, team, "canary") - canaries, "another canary")
    world.converge(team)
    assert server_image(world, team) == "mooring/server:2"
    [migration] = jobs(world, team, "migrate")
    [canary] = jobs(world, team, "canary")
    assert migration["metadata"]["name"] not in migrations, "the old proof is gone"
    assert canary["metadata"]["name"] not in canaries


def test_a_new_guard_image_reaches_pods_and_is_proven(world: World) -> None:
    team = world.ready_workspace()
    migrations, canaries = names(world, team, "migrate"), names(world, team, "canary")

    world.edit_class({"guard": {"image": "mooring/runtime:2"}})

    def guard() -> bool:
        live = world.api.get(BINDING, team, "models") or {}
        return bool(live["status"]["pod"]["initContainers"][0]["image"] == "mooring/runtime:2")

    until(guard, "the new guard in status.pod")
    until(lambda: names(world, team, "canary") != canaries, "another canary")
    world.converge(team)
    assert names(world, team, "migrate") == migrations, "the schema has nothing to do with it"


def test_a_new_region_reaches_pods(world: World) -> None:
    team = world.ready_workspace()
    world.edit_s3(endpoint=world.versitygw.s3.replace("127.0.0.1", "localhost"))
    until(
        lambda: "localhost" in world.published(team, "models")[contract.S3_ENDPOINT_URL],
        "the new endpoint",
    )
    world.converge(team)


def test_new_launchers_get_their_rights(world: World) -> None:
    team = world.ready_workspace()
    world.edit_class({"launchers": None})
    until(lambda: not world.launchers(team, "models"), "the rights to be taken back")
    world.edit_class({"launchers": [{"namespace": "airflow-2", "serviceAccount": "worker"}]})
    until(lambda: world.launchers(team, "models") == ["airflow-2/worker"], "the new rights")


def test_a_failed_migration_says_why(world: World) -> None:
    world.make_class()
    team = world.namespace("team")
    world.make_workspace(team)
    [migration] = until(lambda: jobs(world, team, "migrate"), "the migration")
    fail(world.api, migration, "database is locked", at=minutes_ago(0))

    found = world.workspace_is(team, "Failed", "DatabaseReady")
    assert migration["metadata"]["name"] in found["message"]
    assert "exited with code 1: database is locked" in found["message"]
    assert world.workspace_is(team, "Failed")["message"] == found["message"]
    [same] = jobs(world, team, "migrate")
    assert same["metadata"]["uid"] == migration["metadata"]["uid"], "a fresh failure stands"


def test_an_old_failure_makes_room_for_another_try(world: World) -> None:
    world.make_class()
    team = world.namespace("team")
    world.make_workspace(team)
    [migration] = until(lambda: jobs(world, team, "migrate"), "the migration")
    fail(world.api, migration, "database is locked", at=minutes_ago(1))

    def another() -> bool:
        uids = {job["metadata"]["uid"] for job in jobs(world, team, "migrate")}
        return bool(uids) and migration["metadata"]["uid"] not in uids

    until(another, "another try")
    found = world.workspace_is(team, "Running", "DatabaseReady")
    assert "database is locked" not in found["message"], "the old pod says nothing about it"
    world.converge(team)


def minutes_ago(minutes: int) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")

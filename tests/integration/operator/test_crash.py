"""The operator is killed in the middle: nothing is lost, nothing is made twice."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from mooring.contract import AWS_ACCESS_KEY_ID
from mooring_operator.kube import BINDING, SECRET, WORKSPACE
from mooring_operator.plan.database import MIGRATION_PASSWORD, RUNTIME_PASSWORD
from tests.integration.operator import outside
from tests.integration.operator.gate import Gate, gate
from tests.integration.operator.kubelet import fake_kubelet
from tests.integration.operator.process import LEAN, Operator
from tests.integration.operator.test_network import admitted
from tests.integration.operator.world import World, decoded, until
from tests.integration.stores.s3_client import OK


@contextmanager
def restarted(operator: Operator) -> Iterator[None]:
    """Have the operator run again after the block, however that ends."""
    try:
        yield
    finally:
        if not operator.alive():
            operator.start()


def iam_gate(world: World, held: str) -> AbstractContextManager[Gate]:
    return gate(world.versitygw.iam, held=f"Action={held}".encode())


def test_a_key_whose_answer_is_lost_is_not_left_behind(world: World, operator: Operator) -> None:
    with restarted(operator), iam_gate(world, "CreateAccessKey") as way:
        world.admin_secrets()
        manifest = world.class_manifest()
        manifest["spec"]["artifactStore"]["s3"]["iam"]["endpoint"] = way.url
        world.api.create(manifest)
        team = world.namespace("team")
        world.make_workspace(team)
        way.wait_until_held()
        [orphan] = outside.key_ids(world, team)
        assert world.api.get(SECRET, team, "models-mlflow-store") is None, "nobody holds it"
        operator.kill()
        way.open()
        operator.start()
        world.converge(team)
        [key] = outside.key_ids(world, team)
        assert key != orphan
        published = world.published(team, "models")
        assert published[AWS_ACCESS_KEY_ID] == key
        assert outside.put(world, published, f"{team}/models") == "OK"
        world.close()


@pytest.mark.parametrize("delay", [0.04, 0.15])
def test_killed_at_any_moment_it_goes_on(world: World, operator: Operator, delay: float) -> None:
    world.make_class()
    teams = [world.namespace(f"team-{number}") for number in range(4)]
    with restarted(operator):
        for team in teams:
            world.make_workspace(team)
        time.sleep(delay)
        operator.kill()
        kept = {team: passwords(world, team) for team in teams}
    for team in teams:
        world.converge(team)
        assert outside.login(world, team)
        assert len(outside.key_ids(world, team)) == 1, "no key that nobody holds"
        assert outside.put(world, world.published(team, "models"), f"{team}/models") == "OK"
        now = passwords(world, team)
        assert kept[team] in ({}, now), "no second password"


def passwords(world: World, namespace: str) -> dict[str, str]:
    values = decoded(world.api.get(SECRET, namespace, "models-mlflow-database"))
    return {k: v for k, v in values.items() if k in {MIGRATION_PASSWORD, RUNTIME_PASSWORD}}


def test_a_change_while_it_is_down_is_seen(world: World, operator: Operator) -> None:
    team = world.ready_workspace()
    with restarted(operator):
        operator.kill()
        world.edit_class({"server": {"image": "mooring/server:2"}}, seen=False)
        world.api.delete(SECRET, team, "models-mlflow")
    until(lambda: world.published(team, "models").get(AWS_ACCESS_KEY_ID), "the Secret to be back")
    world.converge(team)


@contextmanager
def running(operator: Operator) -> Iterator[None]:
    """Have this operator run until the end of the block."""
    operator.start()
    try:
        yield
    finally:
        operator.kill()


def crashing(seen: Path) -> str:
    """The program of an operator that is killed after each change, which `seen` gets to know."""
    name = "crash_after_each_change"
    return (
        f"{LEAN}\nfrom pathlib import Path\n"
        f"from tests.integration.operator.crashing import {name}\n{name}(Path({str(seen)!r}))\n"
    )


def test_killed_after_each_step_of_a_deletion(
    world: World, operator: Operator, tmp_path: Path
) -> None:
    team = world.ready_workspace(deletionPolicy="Delete", allowedNamespaces={"from": "All"})
    guests = world.namespace("guests")
    world.make_binding(guests, "guest", "models", team)
    world.binding_is(guests, "guest", "True")
    world.make_workspace(team, "models2")
    world.converge(team, "models2")
    for name in ("models", "models2"):
        assert outside.put(world, world.published(team, name), f"{team}/{name}") == OK
    seen = tmp_path / "seen"

    def gone() -> bool:
        # in this order, because the operator goes on meanwhile
        database = outside.databases(world, team)
        objects = outside.objects(world, f"{team}/models")
        assert database or not objects, "the database says what the artifacts were"
        assert objects or not outside.user_exists(world, team), "who could write is shut out first"
        return world.api.get(WORKSPACE, team, "models") is None

    with restarted(operator):
        operator.kill()
        world.api.delete(WORKSPACE, team, "models")
        with running(operator.other(crashing(seen))):
            until(gone, "the workspace to be gone")
    steps = seen.read_text()
    assert all(each in steps for each in ("DeleteUser ", "DROP ROLE", "DROP DATABASE"))
    operator.settle()

    assert not outside.user_exists(world, team)
    assert outside.logins(world, team) == []
    assert world.published(guests, "guest") == {}
    assert outside.objects(world, f"{team}/models") == []
    assert outside.databases(world, team) == []
    assert outside.objects(world, f"{team}/models2") == [f"{team}/models2/artifact"]
    assert outside.login(world, team, "models2"), "its neighbour's server gets in"
    assert outside.put(world, world.published(team, "models2"), f"{team}/models2") == OK


def test_killed_after_each_step_of_a_withdrawal(
    world: World, operator: Operator, tmp_path: Path
) -> None:
    """Of a binding, after which the key that its pods know is replaced, and revoked."""
    team = world.ready_workspace(allowedNamespaces={"from": "All"})
    guests = world.namespace("guests")
    world.make_binding(guests, "guest", "models", team)
    world.binding_is(guests, "guest", "True")
    world.converge(team)
    known, seen = world.published(guests, "guest"), tmp_path / "seen"
    world.edit_class({"rotation": {"grace": "0s"}})

    def over() -> bool:
        fake_kubelet(world.api, team)
        keys, logins = outside.key_ids(world, team), outside.logins(world, team)
        held = world.published(team, "models").get(AWS_ACCESS_KEY_ID)
        return keys == [held] and held != known[AWS_ACCESS_KEY_ID] and len(logins) == 2

    with restarted(operator):
        operator.kill()
        world.api.delete(BINDING, guests, "guest")
        with running(operator.other(crashing(seen))):
            until(over, "the key that the guests know to be gone")
    assert "CreateAccessKey" in seen.read_text()
    world.converge(team)
    assert admitted(world, team) == ["airflow", team]
    assert outside.put(world, known, f"{team}/models") == "InvalidAccessKeyId"
    assert outside.put(world, world.published(team, "models"), f"{team}/models") == OK

"""The operator is killed in the middle: nothing is lost, nothing is made twice."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from mooring.contract import AWS_ACCESS_KEY_ID
from mooring_operator.kube import SECRET
from mooring_operator.plan.database import MIGRATION_PASSWORD, RUNTIME_PASSWORD
from tests.integration.operator import outside
from tests.integration.operator.gate import Gate, gate
from tests.integration.operator.process import Operator
from tests.integration.operator.world import World, decoded, until


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
        world.edit_class({"server": {"image": "mooring/server:2"}})
        world.api.delete(SECRET, team, "models-mlflow")
    until(lambda: world.published(team, "models").get(AWS_ACCESS_KEY_ID), "the Secret to be back")
    world.converge(team)

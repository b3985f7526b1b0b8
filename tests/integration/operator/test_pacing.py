"""An operator that starts does not ask the outside again at once; what has changed is healed."""

from mooring_operator.kube import SECRET, WORKSPACE
from mooring_operator.plan.database import RUNTIME_PASSWORD
from tests.integration.operator import outside
from tests.integration.operator.process import PROGRAM, Operator
from tests.integration.operator.test_crash import restarted
from tests.integration.operator.world import World, until

KMS_KEY = "arn:aws:kms:us-east-1:000000000000:key/of-the-class"
SOON = PROGRAM.replace(
    "from mooring_operator.main",
    "from mooring_operator.reconcile import pacing\npacing.SPREAD_S = 0.5\n"
    "from mooring_operator.main",
)


def asked(operator: Operator) -> dict[str, int]:
    """How often each store was asked to have what a workspace needs, since the start."""
    counts = operator.metric("mooring_store_seconds_count")
    return {labels["store"]: int(value) for labels, value in counts if labels["call"] == "ensure"}


def looked_at(operator: Operator) -> None:
    until(lambda: operator.reconciles("MlflowWorkspace"), "the operator to look at it")
    operator.settle()


def test_what_was_answered_is_not_asked_at_once(world: World, operator: Operator) -> None:
    team = world.ready_workspace()
    operator.settle()
    before = world.api.writes()
    assert asked(operator)["s3"] > 0, "the calls are counted"

    assert operator.stop() == 0
    operator.start()
    looked_at(operator)

    assert asked(operator) == {}
    assert dict(world.api.writes() - before) == {}
    world.workspace_is(team, "Ready", "Ready")

    world.api.patch(WORKSPACE, team, "models", {"metadata": {"labels": {"look": "again"}}})
    until(lambda: asked(operator).keys() == {"s3", "postgresql"}, "the next look to ask")


def test_the_outside_is_looked_at_all_the_same(world: World, operator: Operator) -> None:
    team = world.ready_workspace()
    operator.settle()
    with restarted(operator):
        operator.stop()
        logins = outside.logins(world, team)
        outside.execute(world, "ALTER ROLE {} NOLOGIN", logins[0])
        assert outside.logins(world, team) != logins
        soon = operator.other(SOON)
        soon.start()
        until(lambda: outside.logins(world, team) == logins, "the role to be as it was")
        assert soon.stop() == 0


def test_what_was_changed_meanwhile_is_asked_at_once(world: World, operator: Operator) -> None:
    team = world.ready_workspace()
    operator.settle()
    with restarted(operator):
        operator.stop()
        world.edit_s3(seen=False, encryption={"type": "KMS", "kmsKeyId": KMS_KEY})
        operator.start()
        looked_at(operator)
        assert asked(operator).keys() == {"s3"}
        operator.settle()

        operator.stop()
        held = outside.passwords(world, team)[RUNTIME_PASSWORD]
        world.api.delete(SECRET, team, "models-mlflow-database")
        operator.start()
        looked_at(operator)
        assert asked(operator)["postgresql"] > 0
        assert outside.passwords(world, team)[RUNTIME_PASSWORD] != held
        assert outside.login(world, team), "the role has the new password"


def test_who_was_not_well_is_asked_at_once(world: World, operator: Operator) -> None:
    team = world.ready_workspace()
    with restarted(operator):
        world.edit_class({"server": {"image": "mooring/server:2"}})
        world.workspace_is(team, "False")
        operator.settle()
        operator.stop()
        operator.start()
        looked_at(operator)
        assert asked(operator).keys() == {"s3", "postgresql"}
        world.converge(team)

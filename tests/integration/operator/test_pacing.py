"""An operator that starts does not ask the outside again at once; what has changed is healed."""

from collections.abc import Iterator
from contextlib import contextmanager

from mooring_operator.kube import SECRET, WORKSPACE
from mooring_operator.plan.database import RUNTIME_PASSWORD
from tests.integration.operator import outside
from tests.integration.operator.process import PROGRAM, Operator
from tests.integration.operator.test_crash import restarted
from tests.integration.operator.world import World, until

KMS_KEY = "arn:aws:kms:us-east-1:000000000000:key/of-the-class"


def spread(seconds: float) -> str:
    """The operator's program, which looks at everything for the second time in so many seconds."""
    ours = f"from mooring_operator.reconcile import pacing\npacing.SPREAD_S = {seconds}\n"
    return PROGRAM.replace("from mooring_operator.main", f"{ours}from mooring_operator.main")


SOON = spread(0.5)
LATE = spread(86_400.0)
"""In no test: with a minute the second look comes at any time, also before a test has looked."""


@contextmanager
def in_its_place(operator: Operator, program: str) -> Iterator[Operator]:
    """An operator with that program, not yet started, while the shared one is stopped."""
    with restarted(operator):
        assert operator.stop() == 0
        other = operator.other(program)
        try:
            yield other
        finally:
            if other.pid:
                other.stop()


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

    with in_its_place(operator, LATE) as late:
        late.start()
        looked_at(late)

        assert asked(late) == {}
        assert dict(world.api.writes() - before) == {}
        world.workspace_is(team, "Ready", "Ready")

        world.api.patch(WORKSPACE, team, "models", {"metadata": {"labels": {"look": "again"}}})
        until(lambda: asked(late).keys() == {"s3", "postgresql"}, "the next look to ask")


def test_the_outside_is_looked_at_all_the_same(world: World, operator: Operator) -> None:
    team = world.ready_workspace()
    operator.settle()
    with in_its_place(operator, SOON) as soon:
        logins = outside.logins(world, team)
        outside.execute(world, "ALTER ROLE {} NOLOGIN", logins[0])
        assert outside.logins(world, team) != logins
        soon.start()
        until(lambda: outside.logins(world, team) == logins, "the role to be as it was")


def test_what_was_changed_meanwhile_is_asked_at_once(world: World, operator: Operator) -> None:
    team = world.ready_workspace()
    operator.settle()
    with in_its_place(operator, LATE) as late:
        world.edit_s3(seen=False, encryption={"type": "KMS", "kmsKeyId": KMS_KEY})
        late.start()
        looked_at(late)
        assert asked(late).keys() == {"s3"}

        late.stop()
        held = outside.passwords(world, team)[RUNTIME_PASSWORD]
        world.api.delete(SECRET, team, "models-mlflow-database")
        late.start()
        looked_at(late)
        assert asked(late)["postgresql"] > 0
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

"""Experiments that keep their artifacts elsewhere are named, and nothing fails for them."""

import subprocess
import sys

from mooring import contract
from mooring_operator.api.conditions import ARTIFACT_ROOTS_MATCH
from mooring_operator.kube import SECRET, WORKSPACE
from mooring_operator.plan.database import MIGRATION_URI, RUNTIME_URI
from tests.integration.operator.process import Operator
from tests.integration.operator.test_existing import BACKEND, database
from tests.integration.operator.test_volume import small_class
from tests.integration.operator.world import World, condition, decoded, until

MAKE = """
import sys
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
uri, root, *places = sys.argv[1:]
store = SqlAlchemyStore(uri, root)
store.create_experiment("theirs")
for number, place in enumerate(places):
    store.create_experiment(f"stray-{number}", place)
"""
DELETE = """
import sys
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
store = SqlAlchemyStore(*sys.argv[1:])
for experiment in store.search_experiments():
    if experiment.name.startswith("stray"):
        store.delete_experiment(experiment.experiment_id)
"""


def run(program: str, *arguments: str) -> None:
    """Do what users do to an experiment, as MLflow's server does it."""
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True)


def look(world: World, namespace: str) -> None:
    """Have the operator look: nothing tells it of what users do."""
    annotations = {"metadata": {"annotations": {"looked": namespace}}}
    world.api.patch(WORKSPACE, namespace, "models", annotations)


def test_they_are_named_until_they_are_gone(world: World, operator: Operator) -> None:
    team = world.ready_workspace()
    world.workspace_is(team, "True", ARTIFACT_ROOTS_MATCH)
    root = world.published(team, "models")[contract.ARTIFACT_ROOT]
    uris = decoded(world.api.get(SECRET, team, "models-mlflow-database"))
    places = ["/mlruns/1", "s3://elsewhere/2", f"{root}-2/3", f"{root}/../4", "file:///5", "6"]
    run(MAKE, uris[MIGRATION_URI], root, *places)

    look(world, team)
    found = world.workspace_is(team, "ExperimentsElsewhere", ARTIFACT_ROOTS_MATCH)
    for part in (f"6 active experiments keep their artifacts outside of {root}",
                 "'stray-0' at '/mlruns/1'", "'stray-1' at 's3://elsewhere/2'",
                 "'stray-2' at ", "'stray-3' at ", "and 2 more"):  # fmt: skip
        assert part in found["message"]
    assert "theirs" not in found["message"]
    assert condition(world.api.get(WORKSPACE, team, "models"), "Ready")["status"] == "True"

    operator.settle()
    before, seen = world.api.writes(), operator.reconciles("MlflowWorkspace")
    until(lambda: operator.reconciles("MlflowWorkspace") > seen, "another look")
    assert world.api.writes() == before, "it costs no write to find them again"

    run(DELETE, uris[RUNTIME_URI], root)
    world.workspace_is(team, "True", ARTIFACT_ROOTS_MATCH)


def test_those_that_a_team_brings_along_are_named(world: World) -> None:
    world.make_class()
    team = world.namespace("team")
    with database(world) as uri:
        run(MAKE, uri, "./mlruns")
        world.secret(team, "their-database", {"uri": uri})
        world.make_workspace(team, backendStore=BACKEND)
        world.converge(team)
        found = world.workspace_is(team, "ExperimentsElsewhere", ARTIFACT_ROOTS_MATCH)
        assert "2 active experiments" in found["message"]
        assert "'Default' at " in found["message"]


def test_of_a_file_that_only_the_server_opens_nothing_is_said(world: World) -> None:
    small_class(world)
    team = world.namespace("team")
    world.make_workspace(team)
    world.converge(team)
    assert not world.condition(WORKSPACE, team, "models", ARTIFACT_ROOTS_MATCH)

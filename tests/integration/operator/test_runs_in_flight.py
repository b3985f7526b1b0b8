"""A deletion waits for runs that it would break off, names them, and does not wait for ever."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from mooring_operator.kube import EVENT, NAMESPACE, WORKSPACE
from mooring_operator.plan.database import MIGRATION_URI
from mooring_operator.plan.deletion import FORCE_ANNOTATION
from tests.integration.operator import outside
from tests.integration.operator.test_deletion import gone
from tests.integration.operator.test_existing import BACKEND, database
from tests.integration.operator.world import World, until
from tests.integration.stores.database_client import TABLES
from tests.integration.stores.s3_client import OK

HOUR_MS = 3_600_000


@pytest.fixture
def world(world: World) -> Iterator[World]:
    """A world whose end waits for no run."""
    yield world
    for live in world.api.list(WORKSPACE):
        force(world, live["metadata"]["namespace"])


@contextmanager
def runs(world: World, team: str) -> Iterator[psycopg.Connection[Any]]:
    """The database of the workspace as its migration sees it, with MLflow's tables in it."""
    uri = outside.passwords(world, team)[MIGRATION_URI].replace("+psycopg2", "")
    with psycopg.connect(uri, autocommit=True) as session:
        if session.execute("SELECT to_regclass('public.runs')").fetchone() == (None,):
            session.execute(TABLES)
        yield session


def start(world: World, team: str, run: str, hours_ago: float = 0) -> None:
    """Have a run that has not ended."""
    started = int(time.time() * 1000 - hours_ago * HOUR_MS)
    with runs(world, team) as session:
        row = (run, 1, "RUNNING", "active", started)
        session.execute("INSERT INTO runs VALUES (%s, %s, %s, %s, %s)", row)


def end(world: World, team: str) -> None:
    """Have every run end."""
    with runs(world, team) as session:
        session.execute("UPDATE runs SET status = 'FINISHED'")


def force(world: World, team: str) -> None:
    annotations = {"metadata": {"annotations": {FORCE_ANNOTATION: "true"}}}
    world.api.patch(WORKSPACE, team, "models", annotations)


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
def test_a_run_goes_on_and_ends_before_anything_is_taken_from_it(world: World, policy: str) -> None:
    team = world.ready_workspace(deletionPolicy=policy)
    environment = world.published(team, "models")
    start(world, team, "a-long-training")

    world.api.delete(WORKSPACE, team, "models")

    found = world.workspace_is(team, "RunsInFlight")
    assert "run a-long-training of experiment 'prices', started 20" in found["message"]
    assert f"kubectl annotate -n {team} mlw/models {FORCE_ANNOTATION}=true" in found["message"]
    assert outside.put(world, environment, f"{team}/models") == OK
    assert outside.login(world, team)
    world.binding_is(team, "models", "WorkspaceEnds", "Accepted")
    assert world.published(team, "models") == {}, "no other pod may start"
    assert world.launchers(team, "models") == ["airflow/worker"], "Airflow watches the pod"
    until(lambda: [e for e in world.api.list(EVENT, team) if e["reason"] == "RunsInFlight"],
          "an Event")  # fmt: skip

    end(world, team)
    until(lambda: gone(world, team), "the workspace to be gone")
    assert outside.put(world, environment, f"{team}/models") == "InvalidAccessKeyId"
    assert bool(outside.databases(world, team)) is (policy == "Retain")


def test_a_forced_deletion_breaks_them_off(world: World) -> None:
    team = world.ready_workspace(deletionPolicy="Delete")
    start(world, team, "a-long-training")
    world.api.delete(WORKSPACE, team, "models")
    world.workspace_is(team, "RunsInFlight")
    force(world, team)
    until(lambda: gone(world, team), "the workspace to be gone")
    assert outside.logins(world, team) == []
    assert outside.databases(world, team) == []
    assert [e for e in world.api.list(EVENT, team) if e["reason"] == "DeletionForced"] == [], (
        "nothing is left behind"
    )


def test_many_are_counted_and_the_newest_named(world: World) -> None:
    team = world.ready_workspace()
    for number in range(5):
        start(world, team, f"run-{number}", hours_ago=5 - number)
    world.api.delete(WORKSPACE, team, "models")
    message = world.workspace_is(team, "RunsInFlight")["message"]
    assert [message.find(f"run-{number} of") > 0 for number in range(5)] == [
        False, False, True, True, True,
    ]  # fmt: skip
    assert "and 2 more" in message
    end(world, team)
    until(lambda: gone(world, team), "the workspace to be gone")


def test_a_run_that_no_pod_can_have_any_more_is_not_waited_for(world: World) -> None:
    team = world.ready_workspace()
    world.edit_class({"rotation": {"grace": "2h"}})
    start(world, team, "its-pod-was-killed-yesterday", hours_ago=3)
    world.api.delete(WORKSPACE, team, "models")
    until(lambda: gone(world, team), "the workspace to be gone")


def test_in_a_namespace_that_ends_nothing_is_waited_for(world: World) -> None:
    team = world.ready_workspace()
    start(world, team, "its-pod-goes-with-the-namespace")
    # nothing removes the content of namespaces here
    world.api.delete(NAMESPACE, "", team)
    world.api.delete(WORKSPACE, team, "models")
    until(lambda: gone(world, team), "the workspace to be gone")
    assert outside.logins(world, team) == []


def test_a_database_of_the_teams_own_is_asked_and_not_needed(world: World) -> None:
    world.make_class()
    team = world.namespace("team")
    with database(world) as uri:
        world.secret(team, "their-database", {"uri": uri})
        world.make_workspace(team, backendStore=BACKEND)
        world.converge(team)
        start(world, team, "a-long-training")
        world.api.delete(WORKSPACE, team, "models")
        world.workspace_is(team, "RunsInFlight")
        assert outside.user_exists(world, team)

        world.secret(team, "their-database", {"uri": "gone"})
        until(lambda: gone(world, team), "the workspace to be gone")
    assert not outside.user_exists(world, team)

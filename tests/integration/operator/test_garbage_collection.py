"""The CronJob that removes deleted runs comes and goes with its field."""

from typing import Any

import pytest

from mooring_operator.kube import CRON_JOB, WORKSPACE
from tests.integration.operator.api import Manifest, Refused
from tests.integration.operator.world import World, until


def set_collection(world: World, namespace: str, value: dict[str, Any] | None) -> None:
    spec = {"spec": {"garbageCollection": value}}
    world.api.patch(WORKSPACE, namespace, "models", spec)


def cron_job(world: World, namespace: str) -> Manifest | None:
    return world.api.get(CRON_JOB, namespace, "models-mlflow")


def test_it_comes_heals_and_goes(world: World) -> None:
    team = world.ready_workspace()
    assert cron_job(world, team) is None

    set_collection(world, team, {"schedule": "0 3 * * *", "olderThan": "48h"})
    live = until(lambda: cron_job(world, team), "the CronJob") or {}
    [container] = live["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["command"][:4] == ["mlflow", "gc", "--older-than", "48h"]
    assert live["spec"]["schedule"] == "0 3 * * *"

    world.api.delete(CRON_JOB, team, "models-mlflow")
    until(lambda: cron_job(world, team), "the CronJob again")

    set_collection(world, team, None)
    until(lambda: cron_job(world, team) is None, "the CronJob to go")


@pytest.mark.parametrize("schedule", ["every night", "0 3 * *", "0 3 * * * *", "", "@nightly"])
def test_a_schedule_that_is_none_is_refused(world: World, schedule: str) -> None:
    world.make_class()
    team = world.namespace("team")
    world.make_workspace(team)
    with pytest.raises(Refused, match="schedule has five fields with one space between"):
        set_collection(world, team, {"schedule": schedule})

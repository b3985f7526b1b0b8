"""Whatever the API server takes, the operator answers it and does not try it again and again."""

import contextlib
import time
from functools import partial
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings

from mooring_operator.kube import BINDING, WORKSPACE, Kind
from tests.integration.bad_input.corpus import BINDING as A_BINDING
from tests.integration.bad_input.corpus import WORKSPACE as A_WORKSPACE
from tests.integration.operator.api import Refused
from tests.integration.operator.process import Operator
from tests.integration.operator.world import World, until
from tests.unit.operator.specs import nearly

OBJECTS = 60
"""How many of each kind are tried; the API server takes about a third of them."""

WINDOW_S = 4.0
TRIES = 2
"""An object that is wrong is looked at less and less often: once in the window, twice at most."""


def accepted(world: World, base: dict[str, Any], namespace: str) -> list[str]:
    """Have the API server try many specs of a kind; the names of those that it took."""
    names: list[str] = []

    @settings(
        max_examples=OBJECTS, derandomize=True, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(nearly(base["kind"], base["spec"]))
    def offer(spec: dict[str, Any]) -> None:
        name = f"o{len(names)}"
        metadata = {"name": name, "namespace": namespace}
        with contextlib.suppress(Refused):
            world.api.create(base | {"metadata": metadata, "spec": spec})
            names.append(name)

    offer()
    return names


def answered(world: World, kind: Kind, namespace: str, name: str) -> bool:
    """Whether a condition tells of the object as it is: Ready, or that it is suspended."""
    live = world.api.get(kind, namespace, name) or {"metadata": {"generation": 0}}
    conditions = live.get("status", {}).get("conditions", [])
    return any(c["observedGeneration"] == live["metadata"]["generation"] for c in conditions)


def test_every_object_is_answered_and_none_is_retried_hot(world: World, operator: Operator) -> None:
    world.make_class()
    log_before = operator.log.read_text().count("reconcile failed")
    taken = 0
    for base, kind in ((A_WORKSPACE, WORKSPACE), (A_BINDING, BINDING)):
        namespace = world.namespace(kind.plural)
        names = accepted(world, base, namespace)
        assert len(names) > 5, "or nothing is tried"
        taken += len(names)
        for name in names:
            until(partial(answered, world, kind, namespace, name), f"{kind.kind} {name}")
    assert operator.log.read_text().count("reconcile failed") == log_before

    # past the first quick tries of the backoff, which doubles from 50 ms
    time.sleep(WINDOW_S)
    before = operator.reconciles()
    time.sleep(WINDOW_S)
    # a workspace that is tried again has its own binding looked at as well
    assert operator.reconciles() - before <= 2 * TRIES * taken
    assert operator.alive()

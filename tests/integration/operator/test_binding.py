"""What the author of a binding chooses: the experiment, the guard."""

from typing import Any

import pytest

from mooring import contract
from mooring_operator.kube import BINDING
from tests.integration.operator.world import World, until


def edit(world: World, namespace: str, name: str, **spec: Any) -> None:
    """Change fields of a binding's spec."""
    world.api.patch(BINDING, namespace, name, {"spec": spec})


def guards(world: World, namespace: str, name: str) -> list[dict[str, Any]]:
    """The init containers that the binding gives to its pods."""
    live = world.api.get(BINDING, namespace, name) or {}
    found: list[dict[str, Any]] = live["status"]["pod"]["initContainers"]
    return found


def test_the_experiment_is_the_bindings_name_until_it_says_another(world: World) -> None:
    team = world.ready_workspace()
    before = world.published(team, "models")
    assert before[contract.EXPERIMENT_NAME] == "models"

    edit(world, team, "models", experiment="Häuserpreise / 2026")
    until(lambda: world.published(team, "models") != before, "the experiment")
    after = world.published(team, "models")
    assert after[contract.EXPERIMENT_NAME] == "Häuserpreise / 2026"
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {contract.EXPERIMENT_NAME, contract.GENERATION}
    world.workspace_is(team, "True")

    edit(world, team, "models", experiment=None)
    until(lambda: world.published(team, "models") == before, "the binding's own name")


@pytest.mark.parametrize("mode", ["Enforce", "Warn"])
def test_the_guard_knows_whether_it_may_refuse(world: World, mode: str) -> None:
    team = world.ready_workspace()
    world.make_binding(team, "other", "models", team, guard=mode)
    world.binding_is(team, "other", "True")
    (guard,) = guards(world, team, "other")
    told = [{"name": contract.GUARD_MODE, "value": contract.GUARD_WARN}] if mode == "Warn" else []
    assert guard.get("env", []) == told


def test_without_a_guard_pods_get_all_else(world: World) -> None:
    team = world.ready_workspace()
    enforced = (world.api.get(BINDING, team, "models") or {})["status"]["pod"]
    edit(world, team, "models", guard="Off")
    until(lambda: guards(world, team, "models") == [], "the guard to go")
    fragment = (world.api.get(BINDING, team, "models") or {})["status"]["pod"]
    assert fragment == enforced | {"initContainers": []}

    edit(world, team, "models", guard="Enforce")
    until(lambda: guards(world, team, "models") == enforced["initContainers"], "the guard")

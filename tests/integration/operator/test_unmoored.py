"""A pod that runs an MLflow client without a binding is told what to do, once, and counted."""

from typing import Any

from mooring.contract import BINDING_LABEL, SKIP_LABEL
from mooring_operator.kube import EVENT, POD
from tests.integration.operator.process import Operator
from tests.integration.operator.world import World, until

CLIENT = {"env": [{"name": "MLFLOW_EXPERIMENT_NAME", "value": "prices"}]}


def make(world: World, namespace: str, name: str, container: Any, **labels: str) -> None:
    """Have a pod, which nothing runs here."""
    spec = {"containers": [{"name": "train", "image": "train", **container}]}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    world.api.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


def told(world: World, namespace: str) -> list[tuple[str, str, str]]:
    """The pods of a namespace that were told, with type and message."""
    return sorted(
        (event["involvedObject"]["name"], event["type"], event["message"])
        for event in world.api.list(EVENT, namespace)
        if event["reason"] == "Unmoored"
    )


def count(operator: Operator, namespace: str) -> float:
    samples = operator.metric("mooring_unmoored_pods")
    return sum(value for labels, value in samples if labels["namespace"] == namespace)


def test_it_is_told_once_and_counted_while_it_lives(world: World, operator: Operator) -> None:
    elsewhere = world.namespace("elsewhere")
    make(world, elsewhere, "lost", CLIENT)
    team = world.ready_workspace()
    make(world, team, "bound", CLIENT, **{BINDING_LABEL: "models"})
    make(world, team, "skipped", CLIENT, **{SKIP_LABEL: "true"})
    make(world, team, "ours", CLIENT, **{"app.kubernetes.io/managed-by": "mooring"})
    make(world, team, "server", {"command": ["mlflow", "server"], **CLIENT})
    make(world, team, "web", {})
    make(world, team, "lost", CLIENT)

    until(lambda: told(world, team), "an Event")
    [(name, kind, message)] = told(world, team)
    assert (name, kind) == ("lost", "Warning")
    assert "container train (it sets MLFLOW_EXPERIMENT_NAME)" in message
    assert "set the label mooring.dev/binding: models" in message
    until(lambda: count(operator, team) == 1, "the pod to be counted")

    seen = operator.reconciles("Pods")
    world.api.patch_status(POD, team, "lost", {"phase": "Running"})
    make(world, team, "lost-too", CLIENT)
    until(lambda: count(operator, team) == 2, "both pods to be counted")
    assert operator.reconciles("Pods") > seen
    assert [name for name, _, _ in told(world, team)] == ["lost", "lost-too"]
    assert told(world, elsewhere) == [], "nobody has a binding there"

    world.api.patch_status(POD, team, "lost", {"phase": "Failed"})
    make(world, team, "web-too", {})
    until(lambda: count(operator, team) == 1, "the pod that has ended to be counted no more")

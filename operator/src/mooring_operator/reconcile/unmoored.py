"""Pods without a binding that run an MLflow client are told so, once, and counted."""

from collections.abc import Mapping
from typing import Any, Final

from mooring_operator.api.conditions import READY, Finding, Verdict
from mooring_operator.kube import BINDING, POD
from mooring_operator.metrics import UNMOORED_PODS
from mooring_operator.plan.reaping import LIVING
from mooring_operator.plan.unmoored import SELECTOR, UNMOORED, client_in, told
from mooring_operator.queue import Key
from mooring_operator.reconcile.lookback import look_back
from mooring_operator.reconcile.transitions import announce
from mooring_operator.reconcile.world import Outcome, World

PODS: Final = "Pods"
"""Kind of the keys by which the pods of a namespace are looked at."""
GATHER_S: Final = 10.0
"""Pods come in crowds: those of a namespace are looked at together."""


def pods_of(namespace: str) -> Key:
    """The key by which the pods of a namespace are looked at."""
    return Key(PODS, namespace, "")


def pod_appeared(world: World, metadata: Mapping[str, Any]) -> None:
    """Look soon at the pods of a namespace with bindings where one without a binding was made."""
    world.queue.add_after(pods_of(metadata["namespace"]), GATHER_S)


def look_at_pods(world: World, key: Key) -> Outcome:
    """Tell the unmoored pods of one namespace, those that were not told before, and count them.

    Nothing is kept of a pod but its uid, and that only while it lives and is unmoored. After a
    restart it is told once more.
    """
    look_back(world, key.namespace)
    bindings = sorted(each["metadata"]["name"] for each in world.kube.known(BINDING, key.namespace))
    before, now = world.unmoored.get(key.namespace, frozenset()), set()
    for pod in world.kube.walk(POD, SELECTOR, key.namespace, LIVING) if bindings else ():
        found = client_in(pod, bindings)
        if not found:
            continue
        uid = pod["metadata"]["uid"]
        now.add(uid)
        if uid not in before:
            announce(world, pod, Verdict(READY, Finding(UNMOORED, told(found, bindings))))
    if now:
        world.unmoored[key.namespace] = frozenset(now)
        UNMOORED_PODS.labels(key.namespace).set(len(now))
    elif world.unmoored.pop(key.namespace, None):
        UNMOORED_PODS.remove(key.namespace)
    return Outcome()

"""Pods that succeeded while nobody watched, and are still there, are asked for their runs too."""

from datetime import datetime, timedelta
from typing import Final

from mooring.contract import BINDING_LABEL
from mooring_operator.kube import BINDING, POD
from mooring_operator.plan.binding import workspace_of
from mooring_operator.plan.reaping import end_of
from mooring_operator.plan.silent import succeeded
from mooring_operator.reconcile.reaping import runs_of
from mooring_operator.reconcile.world import World

LATEST: Final = timedelta(hours=1)
"""As long as an API server keeps what was told of them: later it would be told anew."""
_SUCCEEDED: Final = "status.phase=Succeeded"


def look_back(world: World, namespace: str) -> None:
    """Have the pods of a namespace that have just succeeded asked for their runs, the first time.

    One that was seen ending is not asked again by this process.
    """
    if namespace in world.looked_back:
        return
    bindings = {b["metadata"]["name"]: b for b in world.kube.known(BINDING, namespace)}
    now = datetime.fromisoformat(world.now())
    for pod in world.kube.walk(POD, BINDING_LABEL, namespace, _SUCCEEDED) if bindings else ():
        binding = bindings.get(pod["metadata"]["labels"][BINDING_LABEL])
        ended, end = succeeded(pod), end_of(pod)
        if not binding or not ended or not end or not end.at or now - end.at > LATEST:
            continue
        runs = runs_of(*workspace_of(binding))
        world.succeeded.keep(runs, ended)
        world.queue.add(runs)
    world.looked_back.add(namespace)

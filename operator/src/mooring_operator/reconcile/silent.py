"""Pods that succeeded without a run, or with less than they logged, are told so, once.

Their exit code tells nobody, and most are deleted soon. Where from, and at what price:
docs/decisions/0016-a-pod-that-succeeded-is-asked-for-its-run.md.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from mooring.contract import LOGS_ANNOTATION, LOGS_NONE, LOGS_OPTIONAL
from mooring_operator.api.conditions import READY, Finding, Verdict
from mooring_operator.metrics import SILENT_PODS
from mooring_operator.plan.reaping import pod_named
from mooring_operator.plan.silent import Succeeded
from mooring_operator.queue import Key
from mooring_operator.reconcile.transitions import announce
from mooring_operator.reconcile.world import World, ask
from mooring_operator.stores.protocol import DatabaseRuns, PodRun

NOTHING_LOGGED: Final = "NothingLogged"
RUN_FAILED: Final = "RunFailed"
MODEL_NOT_READY: Final = "ModelNotReady"
_LOST: Final = frozenset({"FAILED", "KILLED"})


def look_at_succeeded(
    world: World, workspace: Key, ended: Sequence[Succeeded], runs: DatabaseRuns
) -> None:
    """Tell of the pods that `ended` and left no run, or not a good one; raises Blocked.

    One question for all of them, and no write for one that has kept its run.
    """
    if not ended:
        return
    names = [each.name for each in ended]
    owners = sorted({each.owner for each in ended if each.owner})
    found = ask(lambda: runs.of_pods(names, owners))
    for each in ended:
        finding = told(each, found, f"{workspace.namespace}/{workspace.name}")
        if finding is not None:
            SILENT_PODS.labels(each.namespace, finding.reason).inc()
            announce(world, each.pod, Verdict(READY, finding))


def told(ended: Succeeded, runs: Iterable[PodRun], workspace: str) -> Finding | None:
    """What is to be told of a pod, with all runs that may be its own or its siblings'.

    `workspace` is its `NAMESPACE/NAME`.
    """
    there = [(pod_named(run.pod, run.binding), run) for run in runs]
    own = [run for place, run in there if place == (ended.namespace, ended.name)]
    if own:
        return _of_its_runs(own)
    siblings = (
        run
        for place, run in there
        if ended.owner
        and place
        and place[0] == ended.namespace
        and place[1].startswith(f"{ended.owner}-")
    )
    # one that failed, and was tried again in this pod, says nothing for it
    if ended.optional or any(run.status not in _LOST for run in siblings):
        return None
    return Finding(
        NOTHING_LOGGED,
        f"the pod succeeded, and workspace {workspace} has no run of it: what it trained is lost. "
        "Its log says why where MLflow warned; else look for what takes MLFLOW_TRACKING_URI from "
        "the training, in its code or its entry point. A pod that is to log nothing says so by the "
        f"annotation {LOGS_ANNOTATION}: {LOGS_NONE}, one that may by {LOGS_OPTIONAL}",
    )


def _of_its_runs(own: Sequence[PodRun]) -> Finding | None:
    good = [run for run in own if run.status not in _LOST]
    if not good:
        return Finding(
            RUN_FAILED,
            f"the pod succeeded, and its run {own[0].id} is {own[0].status}: its exit code says "
            "otherwise than the training. Look into its log, and train again",
        )
    lacking = next((run for run in good if run.status == "FINISHED" and run.model), None)
    if lacking is None:
        return None
    return Finding(
        MODEL_NOT_READY,
        f"the pod succeeded, and the logged model {lacking.model} of its run {lacking.id} never "
        "arrived: MLflow only warns when an upload fails. Its log says why; log the model again",
    )

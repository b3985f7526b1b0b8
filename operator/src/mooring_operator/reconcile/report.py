"""The last step of each pipeline: write the status, if it changed."""

from collections.abc import Sequence
from typing import Any

import structlog

from mooring_operator.api.conditions import READY, SUSPENDED, Verdict, to_conditions
from mooring_operator.kube import KubeError, Manifest
from mooring_operator.queue import Key
from mooring_operator.reconcile.passing import LASTING_S
from mooring_operator.reconcile.transitions import tell
from mooring_operator.reconcile.world import Outcome, World

log = structlog.get_logger()


def report(
    world: World, live: Manifest, verdicts: Sequence[Verdict], fields: dict[str, Any]
) -> Outcome:
    """Write status.conditions from `verdicts` and the other fields of the status.

    The outcome asks for a retry while something is wrong that no event will announce the end of.
    """
    generation = live["metadata"]["generation"]
    before = live.get("status", {})
    status = {
        "observedGeneration": generation,
        "conditions": to_conditions(
            verdicts, before.get("conditions", []), generation, world.now()
        ),
        **{name: value for name, value in fields.items() if value is not None},
    }
    if status != before and not _passes(world, live, verdicts):
        _write(world, live, status)
        tell(world, live, verdicts)
    return Outcome(retry=any(v.finding is not None and not v.finding.waiting for v in verdicts))


def _passes(world: World, live: Manifest, verdicts: Sequence[Verdict]) -> bool:
    """Whether a state that is merely under way may be over before anybody has read of it.

    It is looked at once more, and written then if it is still the same.
    """
    metadata = live["metadata"]
    uid, findings = metadata["uid"], [v.finding for v in verdicts if v.finding]
    was_ready = any(
        condition["type"] == READY and condition["status"] == "True"
        for condition in live.get("status", {}).get("conditions", [])
    )
    if was_ready or not findings or not all(finding.waiting for finding in findings):
        world.passing.forget(uid)
        return False
    if world.passing.has_lasted(uid, (metadata["generation"], *findings)):
        return False
    key = Key(live["kind"], metadata.get("namespace", ""), metadata["name"])
    world.queue.add_after(key, LASTING_S)
    return True


def report_suspended(world: World, live: Manifest) -> Outcome:
    """Add the condition Suspended; the rest of the status stays what it was when that began."""
    before = live.get("status", {})
    others = [each for each in before.get("conditions", []) if each["type"] != SUSPENDED]
    holds = "spec.suspend is true: nothing is changed; the other conditions say how it was"
    [suspended] = to_conditions(
        [Verdict(SUSPENDED, None, holds)],
        before.get("conditions", []),
        live["metadata"]["generation"],
        world.now(),
    )
    status = {**before, "conditions": [*others, suspended]}
    if status != before:
        _write(world, live, status)
        log.info("suspended", object=_named(live))
    return Outcome()


def _named(live: Manifest) -> str:
    metadata = live["metadata"]
    return f"{live['kind']} {metadata.get('namespace', '')}/{metadata['name']}"


def _write(world: World, live: Manifest, status: dict[str, Any]) -> None:
    # the uid: a namesake that was made meanwhile must not get it (409)
    keys = ("name", "namespace", "uid")
    metadata = {key: live["metadata"][key] for key in keys if key in live["metadata"]}
    document = {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": metadata,
        "status": status,
    }
    try:
        world.kube.apply(document, status=True)
    except KubeError as error:
        if error.status != 404:  # deleted meanwhile: nobody is left to tell
            raise

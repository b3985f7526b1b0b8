"""Telling people of transitions: in the log, as Events, and in the metrics."""

from collections.abc import Sequence
from datetime import datetime

import structlog

from mooring_operator.api.conditions import READY, Verdict
from mooring_operator.kube import FIELD_MANAGER, KubeError, Manifest
from mooring_operator.metrics import READY as READY_SECONDS
from mooring_operator.plan.events import event, transition
from mooring_operator.reconcile.world import World

log = structlog.get_logger()


def tell(world: World, live: Manifest, verdicts: Sequence[Verdict]) -> None:
    """Tell of a status that was just written; `live` still has the one before it."""
    ready = next(v for v in verdicts if v.type == READY)
    before = live.get("status", {})
    metadata = live["metadata"]
    log.info(
        "status changed",
        object=f"{live['kind']} {metadata.get('namespace', '')}/{metadata['name']}",
        ready=ready.ok,
        reason=ready.finding.reason if ready.finding else READY,
        message=ready.finding.message if ready.finding else ready.holds,
    )
    now = world.now()
    if not before:
        world.new.add(metadata["uid"])
    if ready.ok and metadata["uid"] in world.new:
        world.new.discard(metadata["uid"])
        _observe(live, now)
    if transition(before, ready):
        announce(world, live, ready)


def announce(world: World, live: Manifest, ready: Verdict) -> None:
    """Make an Event of what is true of a live object now."""
    try:
        world.kube.create(event(live, ready, FIELD_MANAGER, world.now()))
    except KubeError as error:
        # an Event is a courtesy; a namespace on its way out takes no new objects, and what
        # happened twice within a second has been told (409)
        if error.status != 409 and "being terminated" not in error.said:
            log.warning("an event was not taken", status=error.status, error=str(error))


def _observe(live: Manifest, now: str) -> None:
    created = datetime.fromisoformat(live["metadata"]["creationTimestamp"])
    seconds = (datetime.fromisoformat(now) - created).total_seconds()
    READY_SECONDS.labels(live["kind"]).observe(max(0.0, seconds))

"""What is told of runs that a deletion waits for."""

from datetime import timedelta

from mooring_operator.plan.metadata import Owner
from mooring_operator.reconcile.inflight import told
from mooring_operator.stores.contents import Records, Run

OWNER = Owner("MlflowWorkspace", "team", "models", "1")
NOON = 1_795_262_400_000


def test_runs_are_named_and_the_end_of_the_wait() -> None:
    runs = (Run("b", "prices", NOON), Run("a", 100 * "x", NOON - 3_600_000))
    found = told(OWNER, Records(2, 9, 4, runs), timedelta(hours=24)).message
    assert "run b of experiment 'prices', started 2026-11-21T12:00:00Z; run a of" in found
    assert f"'{64 * 'x'}'" in found
    assert "started 2026-11-21T11:00:00Z; and 2 more." in found
    assert "at 2026-11-22T12:00:00Z at the latest" in found
    assert "kubectl annotate -n team mlw/models mooring.dev/force-delete=true" in found

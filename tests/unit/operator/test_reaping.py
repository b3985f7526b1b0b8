"""When a run is over, and why: from what is left of its pod."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mooring_operator.plan.reaping import LIVELY, End, end_of, is_over, known_as, pod_named
from mooring_operator.reconcile.ends import MOST, Ends

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FINISHED = "2026-01-01T11:59:30Z"


OOM, EVICTED = "OOMKilled, limit 512Mi", "Evicted: low on memory"
TAKEN = [{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}]
PREEMPTED = "the pod was deleted: PreemptionByScheduler"


def pod(phase: str, *, deleted: bool = False, code: int = 0, said: str = "", **status: Any) -> Any:
    metadata = {"name": "train", **({"deletionTimestamp": FINISHED} if deleted else {})}
    terminated = {"exitCode": code, "finishedAt": FINISHED, **({"reason": said} if said else {})}
    containers = [{"name": "base", "resources": {"limits": {"memory": "512Mi"}}}]
    ended = [{"name": "base", "state": {"terminated": terminated}}]
    return {
        "metadata": metadata, "spec": {"containers": containers},
        "status": {"phase": phase, "containerStatuses": ended, **status},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("live", "status", "why"),
    [
        (pod("Failed", code=137, said="OOMKilled"), "FAILED", OOM),
        (pod("Failed", deleted=True, code=137, said="OOMKilled"), "FAILED", OOM),
        (pod("Failed", reason="Evicted", message="low on memory"), "FAILED", EVICTED),
        (pod("Failed", reason="DeadlineExceeded"), "FAILED", "DeadlineExceeded"),
        (pod("Failed", code=143, conditions=TAKEN), "KILLED", PREEMPTED),
        (pod("Failed", deleted=True, code=143), "KILLED", "the pod was deleted"),
        (pod("Failed", code=2, said="Error"), "FAILED", "container base ended with exit code 2"),
        (pod("Succeeded"), "FAILED", "the pod succeeded, and never ended its run"),
    ],
)  # fmt: skip
def test_it_says_how_the_pod_ended(live: Any, status: str, why: str) -> None:
    end = end_of(live)
    assert end is not None
    assert (end.status, end.why) == (status, why)
    assert end.at == datetime.fromisoformat(FINISHED)


def test_nobody_knows_when_a_container_ended_that_was_lost_with_its_node() -> None:
    lost = pod("Failed", code=137, said="ContainerStatusUnknown", reason="NodeLost")
    lost["status"]["containerStatuses"][0]["state"]["terminated"]["finishedAt"] = None
    assert end_of(lost) == End("FAILED", "NodeLost", None)


def test_a_pod_that_is_gone_was_deleted() -> None:
    assert end_of(None) == End("KILLED", "the pod was deleted", None)


@pytest.mark.parametrize("phase", ["Pending", "Running", "Unknown"])
def test_a_pod_that_may_still_run_has_not_ended(phase: str) -> None:
    assert end_of(pod(phase, code=1)) is None
    assert end_of({"metadata": {"name": "new"}}) is None


def test_a_process_may_know_its_pod_by_the_name_of_its_host() -> None:
    metadata = {"name": 70 * "a"}
    assert known_as({"metadata": metadata}) == {70 * "a", 63 * "a"}
    assert known_as({"metadata": metadata, "spec": {"hostname": "train-0"}}) >= {"train-0"}
    on_node = {"hostNetwork": True, "nodeName": "node-1", "hostname": "train-0"}
    assert known_as({"metadata": metadata, "spec": on_node}) == {70 * "a", 63 * "a", "node-1"}


def test_a_message_of_any_length_fits_a_tag() -> None:
    end = end_of(pod("Failed", reason="Evicted", message="m" * 9000))
    assert end is not None
    assert len(end.why) == 250


@pytest.mark.parametrize(
    ("ended", "spoke", "over"),
    [
        (None, None, True),
        (None, timedelta(), False),
        (None, -LIVELY - SECOND, True),
        (-29 * SECOND, None, False),
        (-30 * SECOND, None, True),
        (-40 * SECOND, -41 * SECOND, True),
        (-40 * SECOND, -37 * SECOND, True),
        (-40 * SECOND, -10 * SECOND, False),
        (-600 * SECOND, -LIVELY - SECOND, True),
        (-40 * SECOND, timedelta(hours=1), False),
    ],
)
def test_who_has_spoken_since_the_pod_ended_is_not_dead(
    ended: timedelta | None, spoke: timedelta | None, over: bool
) -> None:
    end = End("KILLED", "gone", None if ended is None else NOW + ended)
    assert is_over(end, None if spoke is None else NOW + spoke, NOW) is over


@pytest.mark.parametrize(
    ("tag", "binding", "named"),
    [
        ("train-1", "team-a/models", ("team-a", "train-1")),
        ("team-b/train-1", "team-a/models", ("team-b", "train-1")),
        ("team-b/train-1", None, ("team-b", "train-1")),
        ("train-1", None, None),
        ("train-1", "models", None),
        ("a/b/c", None, None),
        ("", "team-a/models", None),
    ],
)
def test_the_tags_say_which_pod(tag: str, binding: str | None, named: object) -> None:
    assert pod_named(tag, binding) == named


def test_of_many_pods_the_last_to_end_are_remembered() -> None:
    ends = Ends()
    ends.keep("team", "first", End("FAILED", "once", NOW))
    ends.keep("team", "first", End("KILLED", "its namesake", NOW))
    assert ends.of("team", "first") == End("KILLED", "its namesake", NOW)
    for number in range(MOST):
        ends.keep("team", f"train-{number}", End("FAILED", "later", NOW))
    assert ends.of("team", "first") is None
    assert ends.of("team", "train-0") is not None

"""What the end of a pod says, and what is made of it."""

from typing import Any

import pytest

from mooring import contract
from tests.faults.corpus import FAULTS
from tests.faults.fault import KEPT, SILENT, Family, Fault, Way
from tests.faults.pods import MARK, mark_of
from tests.faults.seen import ADMISSION, GUARD, NOBODY, TRAINING, End, end_of, refusal, why_red
from tests.faults.verdict import is_expected, seen

MADE = "2026-11-22T01:00:00Z"


def pod(guard: int | None, base: int | None, message: str = "") -> dict[str, Any]:
    def status(name: str, code: int | None) -> dict[str, Any]:
        ended = {"exitCode": code, "finishedAt": "2026-11-22T01:00:07Z", "message": message}
        return {"name": name, "state": {"running": {}} if code is None else {"terminated": ended}}

    return {
        "metadata": {"creationTimestamp": MADE},
        "status": {
            "initContainerStatuses": [status("mooring-guard", guard)],
            "containerStatuses": [status("base", base)],
        },
    }


@pytest.mark.parametrize(
    ("found", "end"),
    [
        (pod(None, None), None),
        (pod(0, None), None),
        (pod(11, None, "TrackingUriEmpty: it is.\n"), End(GUARD, "TrackingUriEmpty: it is.", 7)),
        (pod(0, 1, "Traceback\n  File\nKeyError: 'x'\n"), End(TRAINING, "KeyError: 'x'", 7)),
        (pod(0, 137), End(TRAINING, "exit code 137", 7)),
        (pod(0, 0, "trained"), End(NOBODY, "", 7)),
    ],
)
def test_end_of_a_pod(found: dict[str, Any], end: End | None) -> None:
    assert end_of(found) == end


def test_refusal_is_told_in_the_policys_words() -> None:
    said = "`kubectl create` failed: policy 'mooring-require' denied request: container base sets X"
    assert refusal(said, 0.1) == End(ADMISSION, "container base sets X", 0.1)


def test_of_a_red_task_the_last_exception_is_told() -> None:
    log = "starting\nKeyError: 'x'\nMooringError: RunMissing: no run\n::endgroup::"
    assert why_red(log) == "RunMissing: no run"
    assert why_red("starting\nending\n") == "ending"


@pytest.mark.parametrize(
    ("kept", "told_by", "silent"),
    [(True, "", False), (True, GUARD, False), (False, GUARD, False), (False, "", True)],
)
def test_silent_is_what_is_lost_and_not_told(kept: bool, told_by: str, silent: bool) -> None:
    assert seen(End(told_by, "", 1), kept=kept).lost_silently is silent


def test_a_loss_is_never_taken_for_what_was_expected() -> None:
    lost = seen(End(NOBODY, "", 1), kept=False)
    assert not is_expected(lost, KEPT)
    assert not is_expected(lost, "TrackingUriEmpty")
    assert is_expected(lost, SILENT)


@pytest.mark.parametrize(
    ("tags", "mark"),
    [
        ({MARK: "1a2b-3"}, "1a2b-3"),
        ({contract.TAG_POD: "faults-1a2b-3"}, "1a2b-3"),
        ({contract.TAG_POD: "faults-1a2b-3-x7kq2"}, "1a2b-3"),
        ({contract.TAG_POD: "faults-1a2b-label"}, ""),
        ({contract.TAG_POD: "another"}, ""),
        ({}, ""),
    ],
)
def test_a_run_is_that_of_the_pod_that_made_it(tags: dict[str, str], mark: str) -> None:
    assert mark_of(tags) == mark


def test_a_fault_in_the_code_is_python() -> None:
    for fault in FAULTS:
        compile(fault.setting, fault.name, "exec")
    fault = Fault("x", Family.URI, {Way.CODE: SILENT}, {"A": "b", "C": None}, code="import sys")
    lines = fault.setting.splitlines()
    assert lines == [
        "import os",
        "os.environ.update({'A': 'b'})",
        "os.environ.pop('C', None)",
        "import sys",
    ]

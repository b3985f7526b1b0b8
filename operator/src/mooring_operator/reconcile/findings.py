"""What an audit of a workspace's database found, for its status and for the metrics."""

import threading
from collections.abc import Mapping
from typing import Any, Final

from mooring_operator.metrics import FINDINGS
from mooring_operator.plan.metadata import Owner
from mooring_operator.status.experiments import LONGEST, without_login
from mooring_operator.stores.protocol import Audit, Lost

_LONGEST_ID: Final = 64
_LONGEST_DETAIL: Final = 256

_TOLD: Final[dict[tuple[str, str], dict[str, int]]] = {}
"""By namespace and name of a workspace: the samples of the gauge that there are."""
_LOCK: Final = threading.Lock()


def found(workspace: Owner, audit: Audit | None) -> dict[str, Any] | None:
    """The value of status.findings, which the metrics tell too; None where nobody can look."""
    status = None if audit is None else findings(audit)
    _tell((workspace.namespace, workspace.name), counts(status or {}))
    return status


def forget(namespace: str, name: str) -> None:
    """Tell nothing any more of a workspace that is gone."""
    _tell((namespace, name), {})


def findings(audit: Audit) -> dict[str, Any]:
    """The value of status.findings: counts, and the newest of each type, without logins.

    There is no time in it: it changes only with what was found.
    """
    types = [
        {
            "type": losses.type,
            "count": losses.total,
            "newest": [_dumped(lost) for lost in losses.newest],
        }
        for losses in audit.losses
    ]
    total = sum(losses.total for losses in audit.losses)
    return {"total": total, **({"types": types} if types else {})}


def counts(status: Mapping[str, Any]) -> dict[str, int]:
    """How many findings of each type a value of status.findings has."""
    return {each["type"]: each["count"] for each in status.get("types", [])}


def _dumped(lost: Lost) -> dict[str, str]:
    run = {"run": lost.run[:_LONGEST_ID]} if lost.run else {}
    detail = without_login(lost.detail)[:_LONGEST_DETAIL]
    return {"experiment": lost.experiment[:LONGEST], **run, "detail": detail}


def _tell(workspace: tuple[str, str], now: dict[str, int]) -> None:
    with _LOCK:
        for gone in _TOLD.pop(workspace, {}).keys() - now.keys():
            FINDINGS.remove(*workspace, gone)
        for kind, count in now.items():
            FINDINGS.labels(*workspace, kind).set(count)
        if now:
            _TOLD[workspace] = now

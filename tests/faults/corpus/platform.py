"""The pod is as it should be, and what it needs fails: before it starts, or while it trains."""

from typing import Final

from mooring.guard.reasons import Reason
from tests.faults.fault import KEPT, Family, Fault, Way

_SWALLOWED: Final = "LoggingSwallowed"
_NOT_READY: Final = "ModelNotReady"

FAULTS: Final = (
    Fault(
        "server down",
        Family.PLATFORM,
        {
            Way.BEFORE: Reason.SERVER_UNREACHABLE,
            Way.DURING: "Max retries exceeded",
            Way.DURING_STRICT: _SWALLOWED,
        },
        outside="server down",
    ),
    Fault(
        "server restarted",
        Family.PLATFORM,
        {Way.DURING: KEPT, Way.DURING_AIRFLOW: KEPT},
        outside="server restarted",
    ),
    Fault(
        "network cut for 60 s between server and pods",
        Family.PLATFORM,
        {Way.DURING: KEPT},
        outside="network cut",
    ),
    Fault(
        "store down",
        Family.PLATFORM,
        {
            Way.BEFORE: Reason.STORE_UNREACHABLE,
            Way.DURING: _NOT_READY,
            Way.DURING_STRICT: _SWALLOWED,
        },
        outside="store down",
    ),
    Fault(
        "store stands still for 5 s at a time",
        Family.PLATFORM,
        {Way.BEFORE: KEPT, Way.DURING: KEPT},
        outside="store slow",
    ),
    Fault(
        "store full",
        Family.PLATFORM,
        {
            Way.BEFORE: Reason.STORE_REFUSED,
            Way.DURING: _NOT_READY,
            Way.DURING_STRICT: _SWALLOWED,
            Way.DURING_AIRFLOW: _NOT_READY,
        },
        outside="store full",
    ),
    Fault(
        "database down",
        Family.PLATFORM,
        {
            Way.BEFORE: Reason.SERVER_NOT_READY,
            Way.DURING: "Max retries exceeded",
            Way.DURING_STRICT: _SWALLOWED,
        },
        outside="database down",
    ),
    Fault(
        "DNS down",
        Family.PLATFORM,
        {
            # of the server's name or of the store's
            Way.BEFORE: "does not resolve",
            Way.DURING: "Failed to resolve",
            Way.DURING_STRICT: _SWALLOWED,
            Way.DURING_AIRFLOW: "returned a failure",
        },
        outside="DNS down",
    ),
    Fault(
        "API server restarted",
        Family.PLATFORM,
        {Way.DURING: KEPT, Way.DURING_STRICT: KEPT, Way.DURING_AIRFLOW: KEPT},
        outside="API server restarted",
    ),
)

"""The run is not where the next task looks for it, or cannot take anything any more."""

from typing import Final

from mooring import contract
from mooring.guard.reasons import Reason
from tests.faults.fault import KEPT, Family, Fault, Way

EXPERIMENT: Final = contract.EXPERIMENT_NAME
RUN_ID: Final = "MLFLOW_RUN_ID"

_MISSING: Final = "RunMissing"
_NOTHING: Final = "NothingLogged"
_SWALLOWED: Final = "LoggingSwallowed"

FAULTS: Final = (
    Fault(
        "experiment that was deleted",
        Family.IDENTITY,
        {
            Way.LABEL: Reason.EXPERIMENT_DELETED,
            Way.BINDING: Reason.EXPERIMENT_DELETED,
            Way.RUN: Reason.EXPERIMENT_DELETED,
            Way.AIRFLOW: _MISSING,
        },
        {EXPERIMENT: "$deleted_experiment"},
    ),
    Fault(
        "experiment whose artifacts lie in another bucket",
        Family.IDENTITY,
        {
            Way.LABEL: Reason.EXPERIMENT_ELSEWHERE,
            Way.BINDING: Reason.EXPERIMENT_ELSEWHERE,
            Way.RUN: Reason.EXPERIMENT_ELSEWHERE,
            Way.AIRFLOW: "ModelNotReady",
        },
        {EXPERIMENT: "$elsewhere_experiment"},
    ),
    Fault(
        "experiment whose artifacts stay in the pod",
        Family.IDENTITY,
        {
            Way.LABEL: Reason.EXPERIMENT_ELSEWHERE,
            Way.BINDING: Reason.EXPERIMENT_ELSEWHERE,
            Way.AIRFLOW: "ArtifactsElsewhere",
        },
        {EXPERIMENT: "$local_experiment"},
    ),
    Fault(
        "experiment id that does not exist",
        Family.IDENTITY,
        {Way.LABEL: Reason.EXPERIMENT_ID_WRONG, Way.STRICT: _SWALLOWED, Way.AIRFLOW: _MISSING},
        {EXPERIMENT: None, "MLFLOW_EXPERIMENT_ID": "424242"},
    ),
    Fault(
        "run id that does not exist",
        Family.IDENTITY,
        {Way.LABEL: Reason.RUN_UNKNOWN, Way.STRICT: _SWALLOWED, Way.AIRFLOW: _MISSING},
        {RUN_ID: "0" * 32},
    ),
    Fault(
        "run id of a run that was deleted",
        Family.IDENTITY,
        {Way.LABEL: Reason.RUN_DELETED, Way.STRICT: _SWALLOWED, Way.AIRFLOW: _MISSING},
        {RUN_ID: "$deleted_run"},
    ),
    Fault(
        "the entry point drops the environment",
        Family.IDENTITY,
        {Way.CODE: _NOTHING, Way.AIRFLOW: _MISSING},
        code="import os\nos.environ.clear()",
    ),
    Fault(
        "the training logs nothing",
        Family.IDENTITY,
        {Way.CODE: _NOTHING, Way.STRICT: _NOTHING, Way.AIRFLOW: _MISSING},
        code="raise SystemExit(0)",
    ),
    Fault(
        "no MLflow in the image",
        Family.IDENTITY,
        {Way.CODE: "import of mlflow halted", Way.AIRFLOW: "returned a failure"},
        code="import sys\nsys.modules['mlflow'] = None",
    ),
    Fault(
        "XCom sidecar killed",
        Family.IDENTITY,
        {Way.TASK: KEPT},
        scene="sidecar killed",
    ),
    Fault(
        "nothing handed to the XCom sidecar",
        Family.IDENTITY,
        {Way.TASK: KEPT},
        scene="nothing handed over",
    ),
    Fault(
        "pod out of memory in the middle of its run",
        Family.IDENTITY,
        {Way.POD: "OOMKilled, limit"},
        scene="out of memory",
    ),
    Fault(
        "pod deleted by force in the middle of its run",
        Family.IDENTITY,
        {Way.POD: "KILLED, "},
        scene="deleted by force",
    ),
)

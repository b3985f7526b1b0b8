"""`MOORING_STRICT`: what MLflow loses without an error makes the process fail.

Autologging turns every exception into a warning, and asynchronous logging into a line in the log:
the run says FINISHED, the exit code is 0, and the model is not there (mlflow/mlflow#16597 is such a
pod). Those lines are all that says so, so a handler of Python's logging listens to their loggers.
"""

import atexit
import logging
import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Final

from mooring import contract
from mooring.finding import Finding, secrets_of, tell
from mooring.location import shown
from mooring.training.closing import FAILED
from mooring.training.runs import run_here

EXIT_CODE: Final = 1
REASON: Final = "LoggingSwallowed"
ELSEWHERE: Final = "RunElsewhere"

SWALLOWED: Final = {
    "mlflow.utils.autologging_utils": re.compile(
        r"Encountered unexpected error during (?P<what>(\S+ )?autologging): (?P<why>.*)", re.DOTALL
    ),
    "mlflow.utils.async_logging.async_logging_queue": re.compile(
        r"Run Id (?P<run>\w+): Failed to log (?P<what>run data): Exception: (?P<why>.*)", re.DOTALL
    ),
    "mlflow.utils.async_logging.async_artifacts_logging_queue": re.compile(
        r"Failed to log (?P<what>artifact .+?)\. Exception: (?P<why>.*)", re.DOTALL
    ),
}
"""MLflow's loggers, and the line that tells of a loss; the same in 2.22 and 3 (see the tests)."""

LOST: Final = {"run data": "metrics, parameters or tags that were logged asynchronously"}


@dataclass(frozen=True, slots=True)
class Loss:
    """What was not kept of which run (empty where nobody knows), and why."""

    run: str
    what: str
    why: str


def is_strict(environ: Mapping[str, str]) -> bool:
    """Whether `contract.STRICT` is set; whoever sets it to something odd wants it."""
    return environ.get(contract.STRICT, "").strip().lower() not in {"", "0", "false"}


def loss_of(record: logging.LogRecord) -> Loss | None:
    """The loss that a line of one of the loggers tells of, if it tells of any."""
    found = SWALLOWED[record.name].match(record.getMessage())
    if found is None:
        return None
    groups = found.groupdict()
    what = groups["what"]
    if what.endswith("autologging"):
        what = f"what {what} was about to log, so perhaps the model"
    why = groups["why"].strip().partition("\n")[0].rstrip(".")
    return Loss(groups.get("run") or run_here(), LOST.get(what, what), why)


def sentence(losses: list[Loss]) -> Finding:
    """What the process fails with."""
    first, *others = losses
    more = f" ({len(others)} more like it)" if others else ""
    return Finding(
        REASON,
        f"run {first.run or '(unknown)'} lost {first.what}{more}: {first.why}. MLflow only warns; "
        f"with {contract.STRICT} the run is {FAILED}.",
        "Run mooring guard in this pod, which checks server and store, mend what it names, and "
        "train again.",
    )


def foreign(uri: str, environ: Mapping[str, str]) -> bool:
    """Whether `uri` is another tracking server than the one that the binding gave."""
    bound = environ.get(contract.BOUND_URI, "")
    return bool(bound) and bound.rstrip("/") != uri.rstrip("/")


def elsewhere(uri: str, environ: Mapping[str, str]) -> Finding:
    """What the process fails with after it has made a run at `uri`."""
    return Finding(
        ELSEWHERE,
        f"a run was logged to {shown(uri)!r}, and the binding {environ.get(contract.BINDING)} gave "
        f"{shown(environ[contract.BOUND_URI])!r}: it is not in the workspace.",
        "Take mlflow.set_tracking_uri out of the code, and what changes "
        f"{contract.TRACKING_URI} there.",
    )


class Strict(logging.Handler):
    """Collects what was lost, and fails the process at its exit."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._losses: list[Loss] = []
        self._elsewhere: Finding | None = None

    def made_at(self, uri: str) -> None:
        """Keep where a run is about to be made, if it is not where it belongs."""
        if foreign(uri, os.environ):
            self._elsewhere = elsewhere(uri, os.environ)

    def listen(self) -> None:
        """Listen to the loggers; again, where MLflow has configured them anew."""
        for name in SWALLOWED:
            logger = logging.getLogger(name)
            if self not in logger.handlers:
                logger.addHandler(self)
            if not logger.isEnabledFor(logging.WARNING):
                # MLFLOW_LOGGING_LEVEL=ERROR would hide the loss from here too
                logger.setLevel(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the loss that the line tells of."""
        loss = loss_of(record)
        if loss is not None:
            self._losses.append(loss)

    def fail(self) -> None:
        """End the process if anything was lost: runs FAILED, the sentence, a code that is not 0."""
        if not self._losses and self._elsewhere is None:
            return
        from mlflow import MlflowClient  # noqa: PLC0415 (this module is loaded while MLflow is)

        for run in dict.fromkeys(loss.run for loss in self._losses if loss.run):
            with suppress(Exception):
                MlflowClient().set_terminated(run, FAILED)
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        tell(self._elsewhere or sentence(self._losses), secrets_of(os.environ))
        # an exit handler has no other way to say how the process ended
        os._exit(EXIT_CODE)


@cache
def _strict() -> Strict:
    strict = Strict()
    # before MLflow registers its own, which ends open runs as FINISHED: the first comes last
    atexit.register(strict.fail)
    return strict


def be_strict() -> None:
    """Fail at exit if MLflow loses anything from now on."""
    _strict().listen()


def run_is_made() -> None:
    """Fail at exit if the run that is about to be made goes to another server."""
    from mlflow import get_tracking_uri  # noqa: PLC0415 (this module is loaded while MLflow is)

    _strict().made_at(get_tracking_uri())

"""How the runs of a process end that was told to end: as KILLED, with all that they were given."""

import os
import sys
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Final

from mooring.finding import redacted, secrets_of
from mooring.training.runs import send_images

KILLED: Final = "KILLED"
FAILED: Final = "FAILED"


def close(runs: Collection[str]) -> None:
    """End `runs` as KILLED, after what asynchronous logging still holds of them was sent.

    Tells what was done on standard error; a run that cannot be ended is told and left.
    """
    from mlflow import MlflowClient  # noqa: PLC0415 (this module is loaded while MLflow is)

    for run in runs:
        try:
            # sends the metrics, parameters and tags that wait, before it sets the status
            MlflowClient().set_terminated(run, KILLED)
            send_images(run)
        except Exception as error:  # noqa: BLE001 (the process ends, whatever it is)
            _say(f"run {run} stays as it is, because it could not be closed: {error}")
        else:
            _say(f"SIGTERM: run {run} is closed as {KILLED}")


def settle(runs: Iterable[str], since: float) -> None:
    """At the end of a process that ended itself when told: what its `runs` were left as.

    One that is still open would be FINISHED by MLflow at exit, and one whose ``with`` block was
    left by the handler's exception is FAILED. What the training ended otherwise stays so, and what
    had ended before the second `since` of this host's clock.
    """
    import mlflow  # noqa: PLC0415 (this module is loaded while MLflow is)

    with suppress(Exception):
        while mlflow.active_run() is not None:
            mlflow.end_run(KILLED)
        found = [mlflow.MlflowClient().get_run(run).info for run in runs]
        # MLflow's client tells the end by this clock too, in milliseconds
        close([i.run_id for i in found if i.status == FAILED and i.end_time >= since * 1000])


def _say(text: str) -> None:
    with suppress(OSError, ValueError, RuntimeError):
        print(f"mooring: {redacted(text, secrets_of(os.environ))}", file=sys.stderr, flush=True)

"""The tag by which a run tells that its process lives: `contract.TAG_HEARTBEAT`."""

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime
from threading import Thread

from mooring import contract

Beat = Callable[[str], None]


class Heartbeat:
    """Tags each active run at most once in `contract.HEARTBEAT_EVERY_S`.

    Each time a thread of its own asks the server, so that one which does not answer holds up
    nothing; there is never a second one beside it.
    """

    def __init__(self, beat: Beat | None = None) -> None:
        self._beat = beat or set_tag
        self._told: dict[str, float] = {}
        self._thread: Thread | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing is being told."""
        return self._thread is None or not self._thread.is_alive()

    def keep(self, runs: Collection[str], now: float | None = None) -> None:
        """Tell of the active `runs` whose turn it is, at the second `now` of a steady clock."""
        now = time.monotonic() if now is None else now
        self._told = {run: at for run, at in self._told.items() if run in runs}
        due = [
            run
            for run in dict.fromkeys(runs)
            if run not in self._told or now - self._told[run] >= contract.HEARTBEAT_EVERY_S
        ]
        if not due or not self.idle:
            return
        self._told |= dict.fromkeys(due, now)
        self._thread = Thread(target=self._tell, args=(due,), name="mooring-heartbeat", daemon=True)
        # an interpreter that is about to end starts no thread
        with suppress(RuntimeError):
            self._thread.start()

    def _tell(self, runs: Collection[str]) -> None:
        for run in runs:
            # a server that is down is the training's to find out, not ours to report each minute
            with suppress(Exception):
                self._beat(run)


def set_tag(run: str) -> None:
    """Tag `run` with this instant, in UTC as RFC 3339 has it."""
    from mlflow import MlflowClient  # noqa: PLC0415 (this module is loaded while MLflow is)

    instant = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    MlflowClient().set_tag(run, contract.TAG_HEARTBEAT, instant, synchronous=True)

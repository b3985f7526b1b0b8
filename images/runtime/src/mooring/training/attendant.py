"""The thread that looks after the runs of this process, from the import of MLflow to the end.

It tells that they live, and closes them when the process is told to end. It is a daemon: it keeps
no process alive, and one that ends by itself ends as without it.
"""

import atexit
import os
import select
import signal
import sys
import time
from contextlib import suppress
from functools import cache
from threading import Lock, Thread, local
from typing import Final, NoReturn

from mooring.main import TERMINATED
from mooring.training import closing
from mooring.training.heartbeat import Heartbeat
from mooring.training.runs import active_runs, ended_runs, is_loaded
from mooring.training.sigterm import Sigterm

LOOK_EVERY_S: Final = 1.0
OWN_HANDLER_S: Final = 5.0
"""How long a training with a handler of its own has its runs for itself once it was told to end.

Then they are closed as KILLED, as nobody would be there to do it after the grace period, which is
30 s unless the pod says otherwise. What the training makes of them later still holds.
"""


class Attendant:
    """Looks after the runs of one process; `parents` are those of the process that forked it."""

    def __init__(self, parents: frozenset[str] = frozenset()) -> None:
        self._parents = parents
        self._lock = Lock()
        self._thread: Thread | None = None
        self._sigterm: Sigterm | None = None
        self._heartbeat = Heartbeat()
        self._reader = self._writer = -1
        self._reading = Lock()
        self._told_at: float | None = None
        self._noted: dict[str, None] = {}
        self._settles = False

    def attend(self) -> None:
        """Begin, if it has not; hear SIGTERM as soon as the main thread calls."""
        with self._lock:
            if self._thread is None:
                self._reader, self._writer = os.pipe()
                os.set_blocking(self._writer, False)
                self._thread = Thread(target=self._look, name="mooring-attendant", daemon=True)
                self._thread.start()
            if self._sigterm is None and Sigterm.may_be_taken():
                self._sigterm = Sigterm(self._writer, self._note)
                self._sigterm.take()
            self._settle_at_exit()

    def leave(self) -> None:
        """Give up, in a forked child: the thread is not there, and the pipe is the parent's."""
        atexit.unregister(self._settle)
        if self._sigterm is not None:
            self._sigterm.give_back()
        for end in (self._reader, self._writer):
            with suppress(OSError):
                os.close(end)

    def _runs(self) -> tuple[str, ...]:
        return tuple(run for run in active_runs() if run not in self._parents)

    def _look(self) -> None:
        close_at = float("inf")
        while True:
            if self._hears(LOOK_EVERY_S):
                if self._sigterm is not None and not self._sigterm.is_the_trainings:
                    self._end()
                close_at = min(close_at, time.monotonic() + OWN_HANDLER_S)
            if time.monotonic() >= close_at:
                close_at = float("inf")
                closing.close(self._runs())
            self._settle_at_exit()
            self._heartbeat.keep(self._runs())

    def _hears(self, seconds: float) -> bool:
        """Whether SIGTERM came within `seconds`."""
        pipe = select.poll()
        pipe.register(self._reader, select.POLLIN)
        pipe.poll(seconds * 1000)
        with self._reading:
            if not pipe.poll(0) or signal.SIGTERM not in os.read(self._reader, 64):
                return False
            self._note()
            return True

    def _note(self) -> None:
        """Keep when the process was told to end, and which runs it had."""
        self._told_at = self._told_at or time.time()
        # those that have ended too: a handler of the training's own may have been faster
        self._noted |= dict.fromkeys((*self._runs(), *ended_runs()))

    def _settle_at_exit(self) -> None:
        # once MLflow has said what it does at exit, because the last one who says so is the first
        if not self._settles and is_loaded():
            self._settles = True
            atexit.register(self._settle)

    def _settle(self) -> None:
        """At the exit of a process that ends itself, perhaps because it was told to."""
        self._hears(0)
        if self._told_at is not None:
            closing.settle(self._noted, self._told_at - LOOK_EVERY_S)

    def _end(self) -> NoReturn:
        closing.close(self._runs())
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        # not by the signal itself, which the kernel drops for the first process of a container
        os._exit(TERMINATED)


_of_process = [Attendant()]
_forks = local()


def attend() -> None:
    """Have the runs of this process looked after."""
    _mind_forks()
    _of_process[-1].attend()


@cache
def _mind_forks() -> None:
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_start_over
    )


def _before_fork() -> None:
    # A child that is told to end before it has started over would write to its parent's pipe.
    _forks.mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _after_fork() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _forks.mask)


def _start_over() -> None:
    _of_process.pop().leave()
    _of_process.append(Attendant(frozenset(active_runs())))
    _after_fork()

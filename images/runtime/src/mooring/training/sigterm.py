"""SIGTERM, heard also while the main thread is in the middle of a long call into C.

Python runs a handler only between two instructions of the main thread, so a fit that takes an hour
in C would hear of the end of its pod after it was killed. Python's own C handler writes to the
wakeup descriptor at once (docs.python.org, `signal.set_wakeup_fd`), and a thread reads that.
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from threading import current_thread, main_thread
from types import FrameType

Told = Callable[[], None]


class Sigterm:
    """The handler of SIGTERM of this process, before one that the training had already.

    `writer` is the end of a pipe that does not block. `told` is called by the main thread, before
    the training's own handler, which may raise.
    """

    def __init__(self, writer: int, told: Told) -> None:
        self._previous = signal.getsignal(signal.SIGTERM)
        self._writer = writer
        self._told = told

    def take(self) -> None:
        """Become the handler; in the main thread, and where `may_be_taken`."""
        signal.signal(signal.SIGTERM, self._handle)
        somebodys = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        if somebodys != -1:
            # an event loop's, which would hear of no signal any more
            signal.set_wakeup_fd(somebodys)

    @staticmethod
    def may_be_taken() -> bool:
        """Whether this thread may set handlers, and the signal is neither ignored nor C code's."""
        current = signal.getsignal(signal.SIGTERM)
        return current_thread() is main_thread() and (
            current == signal.SIG_DFL or callable(current)
        )

    @property
    def is_the_trainings(self) -> bool:
        """Whether a handler of the training's own decides what becomes of the process."""
        return signal.getsignal(signal.SIGTERM) != self._handle or callable(self._previous)

    def give_back(self) -> None:
        """Undo it, in a forked child: what it is told would wake the parent's thread."""
        signal.set_wakeup_fd(-1)
        if signal.getsignal(signal.SIGTERM) == self._handle:
            signal.signal(signal.SIGTERM, self._previous)

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        self._told()
        # once more, in case the wakeup descriptor is another's by now
        with suppress(OSError):
            os.write(self._writer, bytes([signum]))
        if callable(self._previous):
            self._previous(signum, frame)

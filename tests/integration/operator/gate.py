"""A gate before an HTTP service: it holds back the answer to one request."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.cluster.process import PATIENCE_S
from tests.services.between import Answer, Request, between


class Gate:
    """Passes every request on, but holds back the answer to one whose body has a marker."""

    def __init__(self, held: bytes) -> None:
        """Hold back what has `held` in its body; `url` is where the gate answers."""
        self.url = ""
        self.is_held = threading.Event()
        self.is_open = threading.Event()
        self._held = held

    def wait_until_held(self) -> None:
        """Return once the service has done what was asked, and the answer waits here."""
        assert self.is_held.wait(PATIENCE_S), "the request never came"

    def open(self) -> None:
        """Hold nothing back from now on."""
        self.is_open.set()

    def handle(self, request: Request, ask: Callable[[], Answer]) -> Answer:
        """Answer as the service does, at once or when the gate opens."""
        answer = ask()
        if self._held in request.body and not self.is_open.is_set():
            self.is_held.set()
            self.is_open.wait(PATIENCE_S)
        return answer


@contextmanager
def gate(service: str, *, held: bytes) -> Iterator[Gate]:
    """Give a gate before `service`, a URL, that holds back the answer to a body with `held`."""
    way = Gate(held)
    with between(service, way.handle) as way.url:
        try:
            yield way
        finally:
            way.open()

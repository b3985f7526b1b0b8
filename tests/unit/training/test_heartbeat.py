"""When a run is told to be alive."""

from threading import Event

import pytest

from mooring.contract import HEARTBEAT_EVERY_S
from mooring.training.heartbeat import Heartbeat
from tests.cluster.process import wait_until


class Server:
    """Takes beats; does not answer until it is let."""

    def __init__(self) -> None:
        self.beats: list[str] = []
        self.answers = Event()
        self.answers.set()

    def beat(self, run: str) -> None:
        """Take a beat, and answer when let."""
        self.beats.append(run)
        assert self.answers.wait(60)
        if run == "refused":
            raise ConnectionError


@pytest.fixture
def server() -> Server:
    return Server()


def kept(heartbeat: Heartbeat, server: Server, runs: list[str], now: float, beats: int) -> None:
    """The heartbeat looks at `now`, and the server has had as many beats after it."""
    heartbeat.keep(runs, now)
    wait_until(lambda: len(server.beats) >= beats and heartbeat.idle, "the beats")
    assert len(server.beats) == beats


def test_once_a_minute_for_each_run(server: Server) -> None:
    heartbeat = Heartbeat(server.beat)
    kept(heartbeat, server, ["a"], 0, 1)
    kept(heartbeat, server, ["a", "b"], 1, 2)
    kept(heartbeat, server, ["a", "b"], HEARTBEAT_EVERY_S - 1, 2)
    kept(heartbeat, server, ["a", "b"], HEARTBEAT_EVERY_S, 3)
    assert server.beats == ["a", "b", "a"]


def test_stops_with_the_run(server: Server) -> None:
    heartbeat = Heartbeat(server.beat)
    kept(heartbeat, server, ["a"], 0, 1)
    kept(heartbeat, server, [], 10 * HEARTBEAT_EVERY_S, 1)


def test_a_server_that_does_not_answer_is_asked_by_one_thread(server: Server) -> None:
    heartbeat = Heartbeat(server.beat)
    server.answers.clear()
    heartbeat.keep(["a"], 0)
    wait_until(lambda: server.beats == ["a"], "the first beat")
    heartbeat.keep(["a", "b"], 10 * HEARTBEAT_EVERY_S)
    assert server.beats == ["a"]
    server.answers.set()
    wait_until(lambda: heartbeat.idle, "the answer")
    kept(heartbeat, server, ["a", "b"], 10 * HEARTBEAT_EVERY_S + 1, 3)


def test_a_refusal_hurts_nobody(server: Server) -> None:
    heartbeat = Heartbeat(server.beat)
    kept(heartbeat, server, ["refused", "b"], 0, 2)
    kept(heartbeat, server, ["refused", "b"], HEARTBEAT_EVERY_S, 4)

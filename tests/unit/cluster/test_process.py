"""Programs end when they must, and their failure tells what happened."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cluster import process
from tests.cluster.paths import CHECKOUT


def test_a_failure_carries_the_programs_own_words() -> None:
    with pytest.raises(process.ClusterError, match=r"exit code 3:\nno such pod"):
        process.run(["sh", "-c", "echo no such pod >&2; exit 3"])


def test_a_missing_program_is_named_with_the_remedy() -> None:
    with pytest.raises(process.ClusterError, match=r"no-such-program: not found.*cluster host"):
        process.run(["no-such-program"])


def test_a_logged_failure_shows_its_end_and_where_the_rest_is(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(process.ClusterError, match="99") as failure:
        process.run(["sh", "-c", "seq 1 99; exit 1"], log=log)
    assert str(log) in str(failure.value)
    assert "\n50\n" not in str(failure.value)


def test_what_does_not_listen_is_killed() -> None:
    program = "import signal, sys; signal.signal(15, signal.SIG_IGN); print(1, flush=True); input()"
    deaf = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert deaf.stdout is not None
    deaf.stdout.readline()
    process.end([deaf.pid], grace=0.2)
    assert not process.alive(deaf.pid)


def test_a_program_dies_with_the_killed_one_that_started_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = f"echo $$ > {note}.part; mv {note}.part {note}; exec sleep 600"
    program = f"from tests.cluster.process import run; run(['sh', '-c', {script!r}])"
    with subprocess.Popen([sys.executable, "-c", program], cwd=CHECKOUT) as parent:
        process.wait_until(note.exists, "the program to start")
        child = int(note.read_text())
        assert process.alive(child)
        parent.send_signal(signal.SIGKILL)
        process.wait_until(lambda: not process.alive(child), "its end")


def test_waiting_gives_up_and_says_for_what() -> None:
    started = time.monotonic()
    with pytest.raises(process.ClusterError, match="waited 0 s for the moon"):
        process.wait_until(lambda: False, "the moon", timeout=0.2)
    assert time.monotonic() - started < 5

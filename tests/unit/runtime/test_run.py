"""`mooring run -- CMD`: the guard in the process that becomes the training."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from mooring import contract
from mooring.guard.reasons import Reason
from mooring.run import CANNOT_RUN, NOT_FOUND

LOST = {contract.TRACKING_URI: "sqlite:///mlflow.db"}
OFF = {contract.GUARD_MODE: contract.GUARD_OFF}
WARN = {contract.GUARD_MODE: contract.GUARD_WARN}
IGNORED = "grep SigIgn /proc/self/status"


def started(*command: str, env: Mapping[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "mooring", "run", "--", *command],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(*command: str, env: Mapping[str, str]) -> tuple[int, str, str]:
    with started(*command, env=env) as process:
        out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_without_it_a_pod_trains_into_a_file() -> None:
    """The loss: the command alone starts with such a URI, and ends with 0."""
    assert subprocess.run(["sh", "-c", "exit 0"], env=LOST, check=False).returncode == 0


def test_refuses_before_the_command_starts(tmp_path: Path) -> None:
    trained = tmp_path / "trained"
    code, out, err = ended("touch", str(trained), env=LOST)
    assert code == Reason.URI_LOCAL.code
    assert err.startswith("TrackingUriLocal: ")
    assert out == ""
    assert not trained.exists()


@pytest.mark.parametrize(("mode", "told"), [(WARN, "TrackingUriLocal: "), (OFF, "")])
def test_becomes_the_command_where_it_does_not_refuse(mode: dict[str, str], told: str) -> None:
    with started("sh", "-c", "echo $$ $MLFLOW_TRACKING_URI; exit 7", env=LOST | mode) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 7
    assert out == f"{process.pid} sqlite:///mlflow.db\n", "same process, same environment"
    assert err.startswith(told)
    assert bool(err) is bool(told)


def test_signals_are_the_command_s_as_without_it() -> None:
    """Python ignores SIGPIPE, and what is ignored would stay so: `yes | head` would complain."""
    plain = subprocess.run(["sh", "-c", IGNORED], capture_output=True, text=True, check=True)
    assert ended("sh", "-c", IGNORED, env=OFF)[1] == plain.stdout

    with started("sh", "-c", "echo ready; exec sleep 60", env=OFF) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=120) == -signal.SIGTERM


def test_ends_at_once_when_told_while_it_waits() -> None:
    waiting = {
        contract.TRACKING_URI: "http://nosuch.invalid:5000",
        contract.WORKSPACE: "team-a/team-a",
        contract.BINDING: "team-a",
        contract.ARTIFACT_ROOT: contract.PROXIED_ROOT,
    }
    with started("true", env=waiting) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("waiting up to 60 s: ServerNameUnknown")
        told = time.monotonic()
        process.send_signal(signal.SIGTERM)
        # its own doing: as a container's first process the signal alone would end nothing
        assert process.wait(timeout=120) == 128 + signal.SIGTERM
        assert time.monotonic() - told < 50


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("no-such-command", NOT_FOUND, "no-such-command is not there"),
        ("/etc/passwd", CANNOT_RUN, "/etc/passwd cannot be run (Permission denied)"),
    ],
)
def test_says_which_command_cannot_be_run(command: str, code: int, said: str) -> None:
    found = ended(command, env=OFF)
    assert found[0] == code
    assert said in found[2]

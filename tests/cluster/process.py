"""Start programs, read their answer, end what was left behind."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

Found = TypeVar("Found")

PATIENCE_S = 120.0
"""Only ever spent when something is wrong: a machine with other work to do is many times slower."""

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
_TAIL = 25


class ClusterError(Exception):
    """Something a person has to change; its text says what."""


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies (run between fork and exec).

    Without it a program outlives the killed command that started it, and the next command finds
    the two of them at work on the same files.
    """
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _environment(extra: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if extra is None else {**os.environ, **extra}


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    log: Path | None = None,
) -> str:
    """Run `command` to its end and return what it wrote to stdout.

    `env` is added to the environment. With `log`, stdout and stderr go there instead.
    Raises ClusterError, with the last lines the program wrote, when it fails.
    """
    arguments = [str(part) for part in command]
    try:
        if log is not None:
            return _run_logged(arguments, cwd=cwd, env=env, log=log)
        done = subprocess.run(
            arguments, cwd=cwd, env=_environment(env), input=stdin, text=True, check=False,
            capture_output=True, preexec_fn=die_with_parent,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise ClusterError(f"{arguments[0]}: not found; run `python -m tests.cluster host`, "
                           "which installs or names what is missing") from error  # fmt: skip
    if done.returncode != 0:
        raise _failure(arguments, done.returncode, done.stderr or done.stdout)
    return done.stdout


def _run_logged(
    arguments: list[str], *, cwd: Path | None, env: Mapping[str, str] | None, log: Path
) -> str:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as out:
        done = subprocess.run(
            arguments, cwd=cwd, env=_environment(env), stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT, check=False, preexec_fn=die_with_parent,
        )  # fmt: skip
    if done.returncode != 0:
        text = log.read_text(errors="replace")
        raise _failure(arguments, done.returncode, f"{text}\n(all of it: {log})")
    return ""


def _failure(arguments: list[str], code: int, output: str) -> ClusterError:
    tail = "\n".join(output.strip().splitlines()[-_TAIL:])
    shown = " ".join(arguments)
    return ClusterError(f"`{shown[:300]}` failed with exit code {code}:\n{tail}")


def succeeds(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> bool:
    """Tell whether `command` can be run and exits with 0."""
    try:
        run(command, env=env)
    except ClusterError:
        return False
    return True


def start_daemon(
    command: Sequence[str | Path], *, log: Path, env: Mapping[str, str] | None = None
) -> int:
    """Start a program that outlives this one, in a session of its own; return its pid."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as out:
        process = subprocess.Popen(
            [str(part) for part in command], env=_environment(env), stdin=subprocess.DEVNULL,
            stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    return process.pid


LONGEST_PAUSE_S: Final = 0.2
"""Between two looks: every one costs the test and whatever it asks some processor time."""


def wait_until(
    look: Callable[[], Found | None], what: str, *, timeout: float = PATIENCE_S
) -> Found:
    """Return what `look()` gives once that is true, at most `timeout` seconds from now.

    Raises ClusterError naming `what` was waited for.
    """
    deadline = time.monotonic() + timeout
    pause = 0.02
    while not (found := look()):
        if time.monotonic() > deadline:
            raise ClusterError(f"waited {timeout:.0f} s for {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_S)
    return found


def alive(pid: int) -> bool:
    """Tell whether a process runs (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in {"Z", "X"}


def command_line(pid: int) -> list[str]:
    """Return the arguments of a process, empty when there is no such process."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return raw.decode(errors="replace").split("\0")[:-1]


def all_pids() -> Iterator[int]:
    """Yield the id of each process of the machine."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            yield int(entry.name)


def end(pids: Sequence[int], *, grace: float = 10) -> None:
    """End processes: SIGTERM, and SIGKILL for what still runs after `grace` seconds.

    Raises ClusterError when one cannot be killed.
    """
    _signal(pids, signal.SIGTERM)
    try:
        _wait_for_end(pids, timeout=grace)
    except ClusterError:
        _signal(pids, signal.SIGKILL)
        _wait_for_end(pids, timeout=PATIENCE_S)


def _signal(pids: Sequence[int], sign: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)


def _wait_for_end(pids: Sequence[int], *, timeout: float) -> None:
    wait_until(
        lambda: not any(_still_there(pid) for pid in pids),
        timeout=timeout, what=f"the end of the processes {', '.join(map(str, pids))}",
    )  # fmt: skip


def _still_there(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):  # most are not children of this process
        os.waitpid(pid, os.WNOHANG)
    return alive(pid)

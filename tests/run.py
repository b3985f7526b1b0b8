"""`make check` and `make test`: the parts in order, each with its time, and a summary.

Every part is a command that also runs by hand. Parts that leave a processor idle run at once, and
show their output when they end; that of the others goes straight to the terminal.
"""

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import IO, Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

PYTHON: Final = sys.executable
BIN: Final = Path(sys.executable).parent
SOURCES: Final = ("operator", "images", "dags", "tests")
CRDS: Final = "charts/mooring/crds"
FIELDS: Final = "docs/fields.md"

AT_ONCE: Final = 4
"""Parts that run beside each other."""

MEANWHILE: Final = ("training", "airflow_ui")
"""Folders of integration tests for the minutes in which the system comes up: enough to fill them.

More would not be less work: a node that is up takes a third of a processor.
"""

console = Console()
_one_speaks = threading.Lock()
app = typer.Typer(add_completion=False, help=__doc__)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the checks: its name and the commands that make it up.

    One that runs `alone` begins when all before it have ended, and ends before any after it begins.
    Another begins when those that it comes `after` have ended; they stand before it.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]
    alone: bool = False
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """How a part ended, and after how many seconds."""

    name: str
    passed: bool
    seconds: float


def _tool(name: str, *arguments: str) -> tuple[str, ...]:
    return (str(BIN / name), *arguments)


def _at_once(number: int, together: str = "loadfile") -> tuple[str, ...]:
    """Options of pytest; more at once than there are cores, as tests wait half of their time.

    The files, or classes, are begun in the order in which they are collected: the longest tests
    first, and not the files with the most tests.
    """
    return ("-n", str(number), "--dist", together, "--no-loadscope-reorder", "--durations=15")


def _pytest(*arguments: str) -> tuple[str, ...]:
    return (PYTHON, "-m", "pytest", *arguments)


CHECKS: Final = (
    Part(
        "types",
        (
            _tool("mypy", "-p", "mooring", "-p", "mooring_operator", "-p", "mooring_airflow"),
            _tool("mypy", "tests"),
        ),
    ),
    Part("unit", (_pytest("tests/unit"),)),
    Part("format", (_tool("ruff", "format", "--check", *SOURCES),)),
    Part("lint", (_tool("ruff", "check", *SOURCES),)),
    Part("layers", (_tool("lint-imports"),)),
    Part(
        "generated",
        (
            (PYTHON, "-m", "mooring_operator.api.crd", CRDS),
            (PYTHON, "-m", "mooring_operator.api.reference", FIELDS),
            ("git", "diff", "--exit-code", "--stat", "--", CRDS, FIELDS),
        ),
    ),
)

TESTS: Final = (
    Part("host", ((PYTHON, "-m", "tests.cluster", "host"),), alone=True),
    Part(
        "integration",
        (
            _pytest(
                "tests/integration",
                *(f"--ignore=tests/integration/{folder}" for folder in MEANWHILE),
                *_at_once(4),
            ),
        ),
        alone=True,
    ),
    # Only now: a node takes processor time also while nobody uses it.
    Part("cluster", (_pytest("tests/cluster"),)),
    Part("images", ((PYTHON, "-m", "tests.cluster", "build"),)),
    *(
        Part(folder, (_pytest(f"tests/integration/{folder}", *_at_once(2)),))
        for folder in MEANWHILE
    ),
    Part("chart", (_pytest("tests/chart"),)),
    Part("system", ((PYTHON, "-m", "tests.demo", "install"),), after=("cluster", "images")),
    Part("e2e", (_pytest("tests/e2e", *_at_once(3, "loadscope")),), alone=True),
)


@app.command()
def check() -> None:
    """Format, lint, types, layers, generated files, unit tests."""
    _run(CHECKS)


@app.command(name="all")
def everything() -> None:
    """All checks and all tests."""
    _run((*CHECKS, *TESTS))


@app.command()
def only(names: Annotated[list[str], typer.Argument(help="Names of parts.")]) -> None:
    """Only the named parts."""
    parts = {part.name: part for part in (*CHECKS, *TESTS)}
    unknown = [name for name in names if name not in parts]
    if unknown:
        raise typer.BadParameter(f"no part {', '.join(unknown)}; there are {', '.join(parts)}")
    _run(tuple(parts[name] for name in names))


def _run(parts: tuple[Part, ...]) -> None:
    """Run all parts, also after one failed: a newcomer wants to see everything that is wrong."""
    results = list(_results(parts))
    table = Table("part", "result", "seconds")
    for result in results:
        shown = "passed" if result.passed else "FAILED"
        table.add_row(result.name, shown, f"{result.seconds:.1f}")
    console.print(table)
    failed = sum(not result.passed for result in results)
    console.print(f"{len(results) - failed} passed, {failed} failed", highlight=False)
    raise typer.Exit(int(failed > 0))


def _results(parts: tuple[Part, ...]) -> Iterator[Result]:
    for alone, group in groupby(parts, lambda part: part.alone):
        if alone:
            yield from (_in_the_open(part) for part in group)
        else:
            yield from _beside_each_other(tuple(group))


def _in_the_open(part: Part) -> Result:
    console.rule(part.name)
    return _run_part(part, None)


def _beside_each_other(parts: tuple[Part, ...]) -> list[Result]:
    begun: dict[str, Future[Result]] = {}
    with ThreadPoolExecutor(max_workers=AT_ONCE) as beside:
        for part in parts:
            earlier = [begun[name] for name in part.after if name in begun]
            begun[part.name] = beside.submit(_aside, part, earlier)
        return [future.result() for future in begun.values()]


def _aside(part: Part, earlier: Sequence[Future[Result]]) -> Result:
    """Run `part` when all `earlier` ones have ended, and show all of its output at once."""
    wait(earlier)
    with tempfile.TemporaryFile("w+") as output:
        result = _run_part(part, output)
        output.seek(0)
        with _one_speaks:
            console.rule(part.name)
            sys.stdout.write(output.read())
            sys.stdout.flush()
    return result


def _run_part(part: Part, output: IO[str] | None) -> Result:
    started = time.monotonic()
    passed = all(
        subprocess.run(command, check=False, stdout=output, stderr=output).returncode == 0
        for command in part.commands
    )
    return Result(part.name, passed, time.monotonic() - started)


if __name__ == "__main__":
    app()

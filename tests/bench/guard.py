"""`make bench-guard`: what the guard itself costs, beside a Python that does nothing.

Against a real tracking server and store on this machine, one process each time as in a pod. Writes
build/bench/guard.json.
"""

import json
import subprocess
import sys
import time
from typing import Annotated, Final

import typer

from tests.bench.figures import Figure, keep, middle, show
from tests.cluster.report import say, stage
from tests.integration.airflow.world import BUCKET, Workspace, run_as_pod, workspace
from tests.services.versitygw import versitygw

WORK_GOAL_S: Final = 0.4
RESIDENT_GOAL_MB: Final = 50

USED: Final = r"""
import json, re, sys, time
from pathlib import Path
peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
print(json.dumps({"work": time.process_time(), "resident": int(peak[1]) / 1024}), file=sys.stderr)
"""
"""Processor seconds since the process began, and the most memory that it held."""

GUARD: Final = "import os\nfrom mooring import guard\nassert guard.run(os.environ) == 0\n" + USED


def main(rounds: Annotated[int, typer.Option(help="How many guards of each kind.")] = 20) -> None:
    """Measure, print the table, keep the raw rows."""
    figures = []
    with versitygw() as store:
        for kind, destination in (("direct", None), ("proxied", f"s3://{BUCKET}/bench")):
            with stage(f"the guard, {kind}"), workspace(store, kind, destination) as team:
                figures += of(team, kind, rounds)
    show(figures)
    say(f"raw rows: {keep(figures, 'guard')}")


def of(team: Workspace, kind: str, rounds: int) -> list[Figure]:
    """The figures of a guard in the pods of `team`, rounds of it and of nothing in turns."""
    guards: list[dict[str, float]] = []
    floors: list[dict[str, float]] = []
    for _ in range(rounds):
        guards.append(measured(team, GUARD))
        floors.append(measured(team, USED))
    goals = {"work": ("s", WORK_GOAL_S), "resident": ("MB", RESIDENT_GOAL_MB), "wall": ("s", 1.0)}
    return [
        Figure(
            name=f"{name} of the guard, {kind}, p50 of {rounds}",
            unit=unit,
            measured=middle([each[name] for each in guards]),
            floor=middle([each[name] for each in floors]),
            floor_is="a Python that does nothing",
            goal=goal,
            raw={"guard": [g[name] for g in guards], "nothing": [f[name] for f in floors]},
        )
        for name, (unit, goal) in goals.items()
    ]


def measured(team: Workspace, program: str) -> dict[str, float]:
    """What one process with the environment of a bound pod took."""
    started = time.monotonic()
    done = run_as_pod(team.environment, program)
    wall = time.monotonic() - started
    if done.returncode:
        raise subprocess.CalledProcessError(
            done.returncode, sys.executable, done.stdout, done.stderr
        )
    found: dict[str, float] = json.loads(done.stderr.splitlines()[-1])
    return {**found, "wall": wall}


if __name__ == "__main__":
    typer.run(main)

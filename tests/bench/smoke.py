"""`make bench-smoke`: the speeds that issue 3 asks for, each beside its floor.

Needs the demo's system, and brings it up. Writes build/bench/smoke.json.
"""

from typing import Annotated

import typer

from tests.bench.figures import keep, show
from tests.bench.idle import memory, writes
from tests.bench.publish import publish
from tests.bench.start import guard, ready
from tests.cluster.report import say, stage
from tests.demo.system import bring_up


def main(
    idle_minutes: Annotated[float, typer.Option(help="How long to watch for writes.")] = 10,
) -> None:
    """Measure everything, print the table, keep the raw rows."""
    with stage("publishing, on an API server of its own"):
        figures = [publish()]
    bring_up()
    with stage("memory of the operator"):
        figures.append(memory())
    with stage("the guard in front of a pod"):
        figures.append(guard())
    with stage("a workspace until it is Ready"):
        figures.append(ready())
    with stage(f"{idle_minutes:g} idle minutes"):
        figures.append(writes(idle_minutes))
    show(figures)
    say(f"raw rows: {keep(figures, 'smoke')}")


if __name__ == "__main__":
    typer.run(main)

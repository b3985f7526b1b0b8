"""`make bench-airflow`: what Mooring costs an Airflow task, each figure beside its floor.

Writes build/bench/airflow.json. `ARGS="--only verification --only policy"` needs no cluster,
`ARGS="--pairs 3 --mapped 5"` is for a quick look.
"""

from typing import Annotated

import typer

from tests.bench.airflow.added import added
from tests.bench.airflow.mapped import references
from tests.bench.airflow.policy import hook, start
from tests.bench.airflow.verification import verification
from tests.bench.figures import Figure, keep, show
from tests.cluster.report import say, stage
from tests.demo.system import bring_up

PARTS = ("verification", "policy", "added", "references")


def main(
    only: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(PARTS)}.")] = None,
    rounds: Annotated[int, typer.Option(help="Verifications of each kind.")] = 9,
    pairs: Annotated[int, typer.Option(help="Tasks of either operator.")] = 15,
    mapped: Annotated[int, typer.Option(help="Pods of the mapped task.")] = 50,
) -> None:
    """Measure, print the table, keep the raw rows."""
    wanted = only or PARTS
    figures: list[Figure] = []
    named: dict[str, float] = {}
    if "verification" in wanted:
        with stage("verification of a run with 1,000 artifacts"):
            each = verification(rounds)
        named["verify_1000_artifacts_s"] = max(figure.measured for figure in each)
        figures += each
    if "policy" in wanted:
        with stage("the policy of Airflow"):
            figures += [hook(), start()]
        named["policy_hook_ms"] = figures[-2].measured
    if "added" in wanted:
        bring_up()
        with stage(f"{2 * pairs} tasks in turns"):
            figures += added(pairs)
        named["added_wall_s_median"] = figures[-2].measured
    if "references" in wanted:
        bring_up()
        with stage(f"{mapped} mapped pods"):
            figures.append(references(mapped))
        named[f"lost_references_of_{mapped}"] = figures[-1].measured
    show(figures)
    say(f"raw rows: {keep(figures, 'airflow', named)}")


if __name__ == "__main__":
    typer.run(main)

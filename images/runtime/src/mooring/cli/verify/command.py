"""`mooring verify`: what it takes, how it ends."""

import os
from dataclasses import asdict
from typing import Annotated

import typer

from mooring import contract
from mooring.cli.base import Format, Output, asking, command, end, print_json
from mooring.cli.cluster import NoCluster
from mooring.cli.codes import Code
from mooring.cli.verify.evidence import problems_of
from mooring.cli.verify.server import Tracking
from mooring.cli.verify.show import show_evidence

REMOTE = ("http://", "https://")


@command("verify")
def verify(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The id of a run.")],
    *,
    tracking_uri: Annotated[
        str | None, typer.Option(help="Left out, MLFLOW_TRACKING_URI of the environment.")
    ] = None,
    digests: Annotated[
        bool, typer.Option(help="Read every file back, and tell its SHA-256.")
    ] = True,
    output: Format = Output.TABLE,
) -> None:
    """Tell what landed; `Code.NOT_WELL` when something did not."""
    uri = (tracking_uri or os.environ.get(contract.TRACKING_URI, "")).strip()
    with asking():
        if not uri.startswith(REMOTE):
            raise NoCluster(
                "no tracking server is named: set --tracking-uri http://… (from outside, after: "
                "kubectl port-forward -n NAMESPACE svc/WORKSPACE-mlflow 5000)"
            )
        tracking = Tracking({**os.environ, contract.TRACKING_URI: uri})
        evidence = tracking.evidence(run, digests=digests)
    problems = problems_of(evidence)
    if output is Output.JSON:
        print_json({**asdict(evidence), "problems": [asdict(each) for each in problems]})
    else:
        show_evidence(evidence, problems)
    if problems:
        end(Code.NOT_WELL)

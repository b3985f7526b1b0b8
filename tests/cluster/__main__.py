"""`python -m tests.cluster`: the cluster of this checkout from a terminal."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tests.cluster import cluster, host
from tests.cluster.deliver import build, deliver
from tests.cluster.files import write
from tests.cluster.process import ClusterError
from tests.cluster.report import console, say, stage
from tests.cluster.tools import tool

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)

_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command("tool")
def tool_command(name: str) -> None:
    """Print the path of a program, building it if it is not there yet."""
    typer.echo(tool(name))


@app.command("host")
def host_command() -> None:
    """Install what the machine lacks, or say what it is."""
    host.prepare()


@app.command()
def status() -> None:
    """Show what is there."""
    for part, state in cluster.describe():
        typer.echo(f"{part:12} {state}")


@app.command()
def shell() -> None:
    """Open a shell in which kubectl, helm and kind reach the cluster."""
    folders = {str(tool(name).parent) for name in ("kubectl", "helm", "kind")}
    os.environ["PATH"] = os.pathsep.join([*sorted(folders), os.environ["PATH"]])
    os.environ["KUBECONFIG"] = str(cluster.kubeconfig())
    os.environ |= cluster.engine().env
    program = os.environ.get("SHELL", "/bin/sh")
    say("kubectl, helm and kind reach the cluster here; `exit` leaves.")
    os.execv(program, [program])  # noqa: S606 - it is a shell that is wanted


@app.command()
def up() -> None:
    """Have a working cluster."""
    with stage("cluster up"):
        path = cluster.up()
    say(f"kubeconfig: {path}")


@app.command()
def down() -> None:
    """Take the cluster away; caches stay."""
    cluster.down()


@app.command()
def clean() -> None:
    """Take the cluster and all caches away."""
    cluster.clean()


@app.command("build")
def build_command() -> None:
    """Build the images that are made on this machine, before there is a cluster for them."""
    build()


@app.command()
def images(
    names: Annotated[list[str] | None, typer.Argument(help="Folders below images/.")] = None,
    output: Annotated[Path | None, typer.Option(help="Write the names there, not here.")] = None,
) -> None:
    """Build images and load them; print their names as JSON by folder."""
    text = json.dumps(deliver(names or ()), indent=2)
    if output is None:
        typer.echo(text)
    else:
        write(output, text + "\n")


@app.command()
def kubeconfig() -> None:
    """Print the path of the kubeconfig."""
    typer.echo(cluster.kubeconfig())


def _become(name: str, arguments: Sequence[str]) -> None:
    path = tool(name)
    os.environ["KUBECONFIG"] = str(cluster.kubeconfig())
    os.execv(path, [name, *arguments])  # noqa: S606 - there is no shell to pass by


@app.command(context_settings=_PASS_ON)
def kubectl(context: typer.Context) -> None:
    """Run kubectl on the cluster: `kubectl -- get pods -A`."""
    _become("kubectl", context.args)


@app.command(context_settings=_PASS_ON)
def helm(context: typer.Context) -> None:
    """Run helm on the cluster: `helm -- list -A`."""
    _become("helm", context.args)


def main() -> None:
    """Run the command line; a user's mistake is one sentence, not a stack trace."""
    try:
        app()
    except ClusterError as error:
        console.print(f"[red]error:[/] {error}", markup=True)
        sys.exit(1)


if __name__ == "__main__":
    main()

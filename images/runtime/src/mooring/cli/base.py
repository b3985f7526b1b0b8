"""What all commands for people have in common: options, answers as JSON, how they end."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Any, Final, NoReturn

import typer

from mooring import main
from mooring.cli import tables
from mooring.cli.cluster import NoCluster, NotThere, Refused
from mooring.cli.codes import Code

app: Final = typer.Typer(
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)


class Output(StrEnum):
    """For whom the answer is."""

    TABLE = "table"
    JSON = "json"


Kubeconfig = Annotated[
    str | None, typer.Option(help="The kubeconfig; left out, as kubectl finds it.")
]
Context = Annotated[str | None, typer.Option(help="The context of the kubeconfig.")]
Format = Annotated[
    Output, typer.Option("-o", "--output", help="table for people, json for machines.")
]
Namespaces = Annotated[
    list[str] | None,
    typer.Option("-n", "--namespace", help="A namespace, or several; left out, the context's."),
]
Namespace = Annotated[
    str | None, typer.Option("-n", "--namespace", help="The namespace; left out, the context's.")
]
WorkspaceName = Annotated[str, typer.Argument(metavar="[NAMESPACE/]WORKSPACE")]


@app.callback()
def _commands() -> None:
    """What MLflow workspaces, their bindings and the pods that carry them are up to."""


def command(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A command, described as `mooring --help` does."""
    return app.command(name, help=main.FOR_PEOPLE[name])


@contextmanager
def asking() -> Iterator[None]:
    """End with a sentence where the API server cannot be asked, or does not answer as it should."""
    try:
        yield
    except NoCluster as error:
        tables.tell(str(error))
        end(Code.NO_CLUSTER)
    except NotThere as error:
        tables.tell(str(error))
        end(Code.NOT_FOUND)
    except Refused as error:
        tables.tell(_sentence(error))
        end({403: Code.FORBIDDEN, 404: Code.NOT_FOUND}.get(error.status, Code.NO_CLUSTER))


def _sentence(error: Refused) -> str:
    if error.status == 404 and "the requested resource" in str(error):
        return f"{error} (is mooring installed? kubectl get crd mlflowworkspaces.mooring.dev)"
    return str(error)


def print_json(answer: Any) -> None:
    """Write an answer for machines, with the names of its fields as Kubernetes writes them."""
    sys.stdout.write(json.dumps(_camel(answer), indent=2) + "\n")


def _camel(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {_name(key): _camel(value) for key, value in answer.items()}
    return [_camel(each) for each in answer] if isinstance(answer, list | tuple) else answer


def _name(field: str) -> str:
    first, *others = field.split("_")
    return first + "".join(word.capitalize() for word in others)


def end(code: Code) -> NoReturn:
    """End the command with `code`."""
    raise typer.Exit(int(code))

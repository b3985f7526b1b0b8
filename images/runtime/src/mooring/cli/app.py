"""The commands for people: what they take, how they end. Reading, judging and showing is beside."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, NoReturn, TextIO

import typer
import yaml

from mooring import contract, guard, main
from mooring.cli import tables
from mooring.cli.cluster import WORKSPACES, Cluster, NoCluster, Refused, connect, path_of
from mooring.cli.codes import Code
from mooring.cli.doctor.diagnosis import Diagnosis, diagnose, of_a_check
from mooring.cli.doctor.examine import NotThere, examine_binding, examine_pod
from mooring.cli.doctor.show import show_diagnosis
from mooring.cli.explain.outcome import outcome_of
from mooring.cli.explain.show import show_outcomes
from mooring.cli.explain.templates import templates_of
from mooring.cli.losses import losses_of, show_losses
from mooring.cli.reading import read_state
from mooring.cli.rotation import rotation

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


def _command(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A command, described as `mooring --help` does."""
    return app.command(name, help=main.FOR_PEOPLE[name])


@_command("status")
def status(
    namespace: Namespaces = None,
    all_namespaces: Annotated[
        bool, typer.Option("-A", "--all-namespaces", help="All that you may read.")
    ] = False,
    output: Format = Output.TABLE,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """`mooring status`: tables, and `Code.NOT_WELL` when something is not ready."""
    if namespace and all_namespaces:
        raise typer.BadParameter("name namespaces with -n, or take all with -A, not both")
    with _asking():
        cluster = connect(kubeconfig, context)
        wanted = None if all_namespaces else list(dict.fromkeys(namespace or [cluster.namespace]))
        state = read_state(cluster, wanted)
    if output is Output.JSON:
        _print_json(asdict(state))
    else:
        tables.show_state(state, datetime.now(UTC))
        tables.show_unread(state.unread)
    if not state.ready:
        _end(Code.NOT_WELL)
    if state.unread:
        _end(Code.FORBIDDEN)
    if not state.workspaces and not state.bindings:
        where = "any namespace" if wanted is None else f"namespace {', '.join(wanted)}"
        tables.tell(f"there is no workspace and no binding in {where}")
        _end(Code.NOT_FOUND)


@_command("doctor")
def doctor(
    pod: Annotated[
        str | None, typer.Argument(metavar="[NAMESPACE/]POD", help="A pod, living or ended.")
    ] = None,
    *,
    binding: Annotated[
        str | None, typer.Option("--binding", help="Look at this binding instead of a pod.")
    ] = None,
    here: Annotated[
        bool, typer.Option("--here", help="Make the guard's checks in this very process.")
    ] = False,
    namespace: Namespace = None,
    output: Format = Output.TABLE,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """`mooring doctor`: the diagnosis, and `Code.NOT_WELL` when something is wrong."""
    if sum((pod is not None, binding is not None, here)) != 1:
        raise typer.BadParameter("name one of NAMESPACE/POD, --binding NAME or --here")
    if here:
        found = of_a_check(guard.check())
    else:
        with _asking():
            found = _examined(connect(kubeconfig, context), pod, binding, namespace)
    if output is Output.JSON:
        _print_json({"failure": found.failure, **asdict(found)})
    else:
        show_diagnosis(found)
        tables.show_unread(found.unread)
    if found.ailments:
        _end(Code.NOT_WELL)
    if found.unread:
        _end(Code.FORBIDDEN)


def _examined(
    cluster: Cluster, pod: str | None, binding: str | None, namespace: str | None
) -> Diagnosis:
    if binding is not None:
        place = namespace or cluster.namespace
        facts = examine_binding(cluster, place, binding)
        return diagnose(f"binding {place}/{binding}", facts)
    named, _, name = (pod or "").rpartition("/")
    place = named or namespace or cluster.namespace
    return diagnose(f"pod {place}/{name}", examine_pod(cluster, place, name))


@_command("explain")
def explain(
    manifest: Annotated[
        typer.FileText, typer.Option("-f", "--filename", help="YAML or JSON; - is standard input.")
    ],
    *,
    namespace: Namespace = None,
    output: Format = Output.TABLE,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """`mooring explain`: what each pod would be given; `Code.NOT_WELL` for one that is refused."""
    templates = list(templates_of(_documents(manifest)))
    if not templates:
        tables.tell("nothing in the manifest makes a pod")
        _end(Code.NOT_FOUND)
    with _asking():
        cluster = connect(kubeconfig, context)
        place = namespace or cluster.namespace
        outcomes = [outcome_of(cluster, template, place) for template in templates]
    if output is Output.JSON:
        _print_json([asdict(outcome) for outcome in outcomes])
    else:
        show_outcomes(outcomes)
    if not all(outcome.good for outcome in outcomes):
        _end(Code.NOT_WELL)


def _documents(manifest: TextIO) -> list[Any]:
    """The documents of a manifest; its text may hold secrets, so an error tells the line alone."""
    try:
        return list(yaml.safe_load_all(manifest))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise typer.BadParameter(f"the manifest is no YAML{where}") from None


@_command("findings")
def findings(
    workspace: WorkspaceName,
    *,
    namespace: Namespace = None,
    output: Format = Output.TABLE,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """`mooring findings`: what `status.findings` has; `Code.NOT_WELL` unless there is none."""
    with _asking():
        _, _, live = _workspace(connect(kubeconfig, context), workspace, namespace)
    found = losses_of(live)
    if found is None:
        tables.tell(
            "nobody knows: the operator has not looked yet, or cannot (a SQLite file, a server "
            "that somebody else runs)"
        )
        _end(Code.NOT_WELL)
    if output is Output.JSON:
        _print_json(asdict(found))
    else:
        show_losses(found)
    if found.total:
        _end(Code.NOT_WELL)


@_command("rotate")
def rotate(
    workspace: WorkspaceName,
    *,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """`mooring rotate`: annotate the workspace; `Code.NOT_WELL` where that would change nothing."""
    with _asking():
        cluster = connect(kubeconfig, context)
        place, name, live = _workspace(cluster, workspace, namespace)
        answer = rotation(live)
        if answer.useful:
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            cluster.annotate(path_of(WORKSPACES, place, name), {contract.ROTATE_ANNOTATION: now})
    tables.tell(f"{place}/{name}: {answer.sentence}")
    if not answer.useful:
        _end(Code.NOT_WELL)


def _workspace(
    cluster: Cluster, named: str, namespace: str | None
) -> tuple[str, str, dict[str, Any]]:
    """Namespace, name and live object of the workspace that the command line names."""
    before, _, name = named.rpartition("/")
    place = before or namespace or cluster.namespace
    live = cluster.get(path_of(WORKSPACES, place, name))
    if live is None:
        raise NotThere(
            f"there is no MlflowWorkspace {name} in namespace {place}: kubectl get "
            f"mlflowworkspaces -n {place}"
        )
    return place, name, live


@contextmanager
def _asking() -> Iterator[None]:
    """End with a sentence where the API server cannot be asked, or does not answer as it should."""
    try:
        yield
    except NoCluster as error:
        tables.tell(str(error))
        _end(Code.NO_CLUSTER)
    except NotThere as error:
        tables.tell(str(error))
        _end(Code.NOT_FOUND)
    except Refused as error:
        tables.tell(_sentence(error))
        _end({403: Code.FORBIDDEN, 404: Code.NOT_FOUND}.get(error.status, Code.NO_CLUSTER))


def _sentence(error: Refused) -> str:
    if error.status == 404:
        return f"{error} (is mooring installed? kubectl get crd mlflowworkspaces.mooring.dev)"
    return str(error)


def _print_json(answer: Any) -> None:
    sys.stdout.write(json.dumps(_camel(answer), indent=2) + "\n")


def _camel(answer: Any) -> Any:
    """`answer` with the names of its fields as Kubernetes writes them."""
    if isinstance(answer, dict):
        return {_name(key): _camel(value) for key, value in answer.items()}
    return [_camel(each) for each in answer] if isinstance(answer, list | tuple) else answer


def _name(field: str) -> str:
    first, *others = field.split("_")
    return first + "".join(word.capitalize() for word in others)


def _end(code: Code) -> NoReturn:
    raise typer.Exit(int(code))

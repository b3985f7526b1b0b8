"""The commands that ask the cluster: what they take, how they end. All else is beside."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, TextIO

import typer
import yaml

from mooring import contract, guard
from mooring.cli import tables
from mooring.cli.base import (
    Context,
    Format,
    Kubeconfig,
    Namespace,
    Namespaces,
    Output,
    WorkspaceName,
    asking,
    command,
    end,
    print_json,
)
from mooring.cli.cluster import WORKSPACES, Cluster, NotThere, connect, path_of
from mooring.cli.codes import Code
from mooring.cli.doctor.diagnosis import Diagnosis, diagnose, of_a_check
from mooring.cli.doctor.examine import examine_binding, examine_pod
from mooring.cli.doctor.show import show_diagnosis
from mooring.cli.explain.outcome import outcome_of
from mooring.cli.explain.show import show_outcomes
from mooring.cli.explain.templates import templates_of
from mooring.cli.losses import losses_of, show_losses
from mooring.cli.reading import read_state
from mooring.cli.rotation import rotation


@command("status")
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
    with asking():
        cluster = connect(kubeconfig, context)
        wanted = None if all_namespaces else list(dict.fromkeys(namespace or [cluster.namespace]))
        state = read_state(cluster, wanted)
    if output is Output.JSON:
        print_json(asdict(state))
    else:
        tables.show_state(state, datetime.now(UTC))
        tables.show_unread(state.unread)
    if not state.ready:
        end(Code.NOT_WELL)
    if state.unread:
        end(Code.FORBIDDEN)
    if not state.workspaces and not state.bindings:
        where = "any namespace" if wanted is None else f"namespace {', '.join(wanted)}"
        tables.tell(f"there is no workspace and no binding in {where}")
        end(Code.NOT_FOUND)


@command("doctor")
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
        with asking():
            found = _examined(connect(kubeconfig, context), pod, binding, namespace)
    if output is Output.JSON:
        print_json({"failure": found.failure, **asdict(found)})
    else:
        show_diagnosis(found)
        tables.show_unread(found.unread)
    if found.ailments:
        end(Code.NOT_WELL)
    if found.unread:
        end(Code.FORBIDDEN)


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


@command("explain")
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
        end(Code.NOT_FOUND)
    with asking():
        cluster = connect(kubeconfig, context)
        place = namespace or cluster.namespace
        outcomes = [outcome_of(cluster, template, place) for template in templates]
    if output is Output.JSON:
        print_json([asdict(outcome) for outcome in outcomes])
    else:
        show_outcomes(outcomes)
    if not all(outcome.good for outcome in outcomes):
        end(Code.NOT_WELL)


def _documents(manifest: TextIO) -> list[Any]:
    """The documents of a manifest; its text may hold secrets, so an error tells the line alone."""
    try:
        return list(yaml.safe_load_all(manifest))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise typer.BadParameter(f"the manifest is no YAML{where}") from None


@command("findings")
def findings(
    workspace: WorkspaceName,
    *,
    namespace: Namespace = None,
    output: Format = Output.TABLE,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """`mooring findings`: what `status.findings` has; `Code.NOT_WELL` unless there is none."""
    with asking():
        _, _, live = _workspace(connect(kubeconfig, context), workspace, namespace)
    found = losses_of(live)
    if found is None:
        tables.tell(
            "nobody knows: the operator has not looked yet, or cannot (a SQLite file, a server "
            "that somebody else runs)"
        )
        end(Code.NOT_WELL)
    if output is Output.JSON:
        print_json(asdict(found))
    else:
        show_losses(found)
    if found.total:
        end(Code.NOT_WELL)


@command("rotate")
def rotate(
    workspace: WorkspaceName,
    *,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """`mooring rotate`: annotate the workspace; `Code.NOT_WELL` where that would change nothing."""
    with asking():
        cluster = connect(kubeconfig, context)
        place, name, live = _workspace(cluster, workspace, namespace)
        answer = rotation(live)
        if answer.useful:
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            cluster.annotate(path_of(WORKSPACES, place, name), {contract.ROTATE_ANNOTATION: now})
    tables.tell(f"{place}/{name}: {answer.sentence}")
    if not answer.useful:
        end(Code.NOT_WELL)


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

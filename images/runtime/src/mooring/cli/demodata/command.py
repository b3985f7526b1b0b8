"""`mooring demo-data`: what it takes, how it ends."""

import time
from typing import Annotated, Final

import typer

from mooring.cli import tables
from mooring.cli.base import (
    Context,
    Format,
    Kubeconfig,
    Namespace,
    Output,
    asking,
    command,
    end,
    print_json,
)
from mooring.cli.cluster import BINDINGS, CORE, Cluster, Json, NotThere, Refused, connect, path_of
from mooring.cli.codes import Code
from mooring.cli.demodata.job import EXPERIMENT, Image, demo_job, ended, image_of, runs_of
from mooring.cli.state import condition

APPS: Final = "/apis/apps/v1"
BATCH: Final = "/apis/batch/v1"
LOOK_EVERY_S: Final = 1.0
SLACK_S: Final = 30
"""For the API server to tell that a Job has reached its deadline."""


@command("demo-data")
def demo_data(
    binding: Annotated[str, typer.Argument(metavar="[NAMESPACE/]BINDING")],
    *,
    runs: Annotated[int, typer.Option(min=1, max=50, help="How many runs.")] = 3,
    image: Annotated[
        str | None,
        typer.Option(help="An image with Python and MLflow; left out, the tracking server's."),
    ] = None,
    timeout: Annotated[int, typer.Option(min=30, help="Seconds to wait for the runs.")] = 300,
    namespace: Namespace = None,
    output: Format = Output.TABLE,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Have a pod beside the binding log some runs; `Code.NOT_WELL` where it could not."""
    before, _, name = binding.rpartition("/")
    with asking():
        cluster = connect(kubeconfig, context)
        place = before or namespace or cluster.namespace
        live = _ready_binding(cluster, place, name)
        given = Image(image) if image else _of_the_server(cluster, place, live)
        wanted = demo_job(name, given, runs=runs, patience_s=timeout)
        job = cluster.create(path_of("jobs", place, group=BATCH), wanted)["metadata"]["name"]
        tables.tell(f"Job {place}/{job} logs {runs} runs to experiment {EXPERIMENT} …")
        went_well = _wait(cluster, place, job, timeout + SLACK_S)
        selector = f"batch.kubernetes.io/job-name={job}"
        pods = cluster.items(path_of("pods", place, group=CORE), labelSelector=selector)
    if not went_well:
        ailing = pods[0]["metadata"]["name"] if pods else job
        tables.tell(
            f"it did not end well. See: kubectl mooring doctor {place}/{ailing}; "
            f"kubectl logs -n {place} job/{job} --all-containers"
        )
        end(Code.NOT_WELL)
    made = runs_of(pods)
    if output is Output.JSON:
        print_json({"namespace": place, "job": job, "experiment": EXPERIMENT, "runs": made})
    else:
        table = tables.table("EXPERIMENT", "RUN")
        for run in made:
            table.add_row(EXPERIMENT, run)
        tables.show(table)


def _ready_binding(cluster: Cluster, namespace: str, name: str) -> Json:
    """The binding; raises NotThere where it does not exist, and exits where pods would fail."""
    live = cluster.get(path_of(BINDINGS, namespace, name))
    if live is None:
        raise NotThere(
            f"there is no MlflowBinding {name} in namespace {namespace}: kubectl get "
            f"mlflowbindings -n {namespace}"
        )
    ready = condition(live, "Ready")
    if ready is None or ready["status"] != "True":
        why = f"{ready['reason']}: {ready['message']}" if ready else "the operator has not seen it"
        tables.tell(f"binding {namespace}/{name} is not ready, so no pod can log: {why}")
        end(Code.NOT_WELL)
    return live


def _of_the_server(cluster: Cluster, namespace: str, binding: Json) -> Image:
    """The image of the workspace's tracking server; raises NotThere where it has none here."""
    reference = binding["spec"]["workspaceRef"]
    place, name = reference.get("namespace", namespace), reference["name"]
    try:
        live = cluster.get(path_of("deployments", place, f"{name}-mlflow", APPS))
    except Refused as refused:
        raise Refused(refused.status, f"{refused}; name an image with --image") from None
    if live is None:
        raise NotThere(
            f"workspace {place}/{name} has no tracking server of its own here whose image could "
            "be used: name one that has Python and MLflow with --image"
        )
    return image_of(live, pulled=place == namespace)


def _wait(cluster: Cluster, namespace: str, job: str, patience_s: float) -> bool:
    """Whether the Job ends well within `patience_s` seconds."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        live = cluster.get(path_of("jobs", namespace, job, BATCH))
        if live is None or (found := ended(live)) is False:
            return False
        if found:
            return True
        time.sleep(LOOK_EVERY_S)
    return False

"""The system: cluster, images, the two charts, a workspace for each team.

Every step looks first and does only what is missing, so a second run changes nothing.
"""

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mooring.contract import API_VERSION, BINDING_LABEL, INJECTED_ANNOTATION
from tests.cluster import cluster
from tests.cluster.deliver import deliver
from tests.cluster.host import prepare
from tests.cluster.paths import CHECKOUT
from tests.cluster.process import ClusterError, succeeds, wait_until
from tests.cluster.report import say, stage
from tests.cluster.tools import tool
from tests.demo.cluster import TIMEOUT, apply, environment, get, helm, kubectl

PLAYGROUND: Final = "playground"
MOORING: Final = "mooring-system"
TEAMS: Final = ("team-a", "team-b")

VALUES: Final = CHECKOUT / "charts" / "playground" / "mooring-values.yaml"


@dataclass(frozen=True, slots=True)
class Release:
    """A chart of this repository, as it is installed here."""

    name: str
    namespace: str
    images: dict[str, str]
    """Name in the chart's `images` value -> folder below images/."""
    values: tuple[Path, ...] = ()

    @property
    def chart(self) -> Path:
        """Where the chart lies."""
        return CHECKOUT / "charts" / self.name


RELEASES: Final = (
    Release(
        "playground",
        PLAYGROUND,
        {name: name for name in ("postgresql", "versitygw", "airflow", "training", "runtime")},
    ),
    Release(
        "mooring",
        MOORING,
        {"operator": "operator", "server": "server", "guard": "runtime"},
        (VALUES,),
    ),
)


def bring_up(step: Callable[[str], AbstractContextManager[None]] = stage) -> None:
    """Have everything in place and ready; each step runs within `step(what it does)`.

    Raises ClusterError with what is in the way.
    """
    with step("this machine: the programs that are needed"):
        prepare()
    with step("the cluster: one Kubernetes node"):
        cluster.up()
    with step("the images: build what changed, load what the node lacks"):
        references = deliver()
    for release in RELEASES:
        with step(f"charts/{release.name}: helm upgrade --install, and wait for its pods"):
            install(release, references)
    for team in TEAMS:
        apply(*workspace(team))
    for team in TEAMS:
        with step(f"MlflowWorkspace {team}: database, role, migration, server, round trip"):
            wait_ready("mlw", team, team)
            wait_injected(team)


def install(release: Release, references: dict[str, str]) -> None:
    """Install or upgrade a chart unless it stands here with the same inputs already."""
    arguments = [f"--values={path}" for path in release.values]
    arguments += image_arguments(release, references)
    inputs = _digest(release, arguments)
    if _installed(release) == inputs:
        say(f"  {release.name}: nothing changed")
        return
    where = ("--namespace", release.namespace)
    if release.name == "mooring":
        define(release.chart / "crds")
    _forget_killed(release)
    helm("upgrade", "--install", release.name, str(release.chart), *where, "--create-namespace",
         "--wait", "--timeout", "10m", "--description", inputs, *arguments)  # fmt: skip


def define(crds: Path) -> None:
    """Apply the CRDs, which Helm does only once, and wait until the API server serves them.

    Without the wait Helm finds no such kind when the API server is busy. Raises ClusterError.
    """
    kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=helm", "-f", str(crds))
    kubectl("wait", "--for=condition=Established", TIMEOUT, "-f", str(crds))
    served: list[str | Path] = [tool("kubectl"), "get", "mlwc,mlw,mlb", "--all-namespaces"]
    wait_until(lambda: succeeds(served, env=environment()), "the API server to serve mlwc")


def workspace(team: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A team's namespace and its workspace: the whole spec is empty."""
    return (
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": team,
                "labels": {"pod-security.kubernetes.io/warn": "restricted"},
            },
        },
        {
            "apiVersion": API_VERSION,
            "kind": "MlflowWorkspace",
            "metadata": {"name": team, "namespace": team},
            "spec": {},
        },
    )


def wait_ready(kind: str, name: str, namespace: str) -> None:
    """Wait until the object's condition Ready is true.

    Raises ClusterError with what the condition says when it takes too long.
    """
    try:
        kubectl("wait", "-n", namespace, f"{kind}/{name}", "--for=condition=Ready", TIMEOUT)
    except ClusterError:
        conditions = get(kind, name, namespace).get("status", {}).get("conditions", [])
        lines = [f"  {c['type']}={c['status']} {c['reason']}: {c['message']}" for c in conditions]
        found = "\n".join(lines) or "  no conditions: does the operator run?"
        raise ClusterError(f"{kind}/{name} in {namespace} is not Ready:\n{found}") from None


def wait_injected(team: str) -> None:
    """Wait until a pod of the team gets the team's binding, as a dry run shows.

    The API server compiles a new policy, and sees a new binding, some time after they were made.
    Raises ClusterError.
    """
    wait_until(lambda: _is_injected(team), f"the admission policies to give pods of {team} theirs")


def _is_injected(team: str) -> bool:
    metadata = {"name": "probe", "namespace": team, "labels": {BINDING_LABEL: team}}
    spec = {"containers": [{"name": "probe", "image": "probe"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    dry = ("create", "--dry-run=server", "-f", "-", "-o", "json")
    try:
        admitted = json.loads(kubectl(*dry, stdin=json.dumps(pod)))
    except ClusterError:
        return False
    annotations: dict[str, str] = admitted["metadata"].get("annotations", {})
    return annotations.get(INJECTED_ANNOTATION) == team


def image_arguments(release: Release, references: dict[str, str]) -> list[str]:
    """The arguments of helm that name the images of a chart; `references` by folder of images/.

    As strings: a tag is a digest, and one without a letter would be a number to `--set`.
    """
    settings = []
    for value, folder in sorted(release.images.items()):
        repository, tag = references[folder].rsplit(":", 1)
        settings += [f"images.{value}.repository={repository}", f"images.{value}.tag={tag}"]
    return [f"--set-string={setting}" for setting in settings]


def _digest(release: Release, arguments: list[str]) -> str:
    digest = hashlib.sha256("\0".join(arguments).encode())
    for path in sorted((*release.chart.rglob("*"), *release.values)):
        if path.is_file():
            digest.update(path.read_bytes())
    return f"inputs {digest.hexdigest()[:16]}"


def _forget_killed(release: Release) -> None:
    """Drop the revision of a Helm that was killed: until then Helm takes it for one at work."""
    where = ("--namespace", release.namespace)
    for entry in json.loads(helm("list", *where, "--pending", "-o", "json")):
        if entry["name"] == release.name:
            revision = f"sh.helm.release.v1.{release.name}.v{entry['revision']}"
            kubectl("delete", "secret", revision, *where)


def _installed(release: Release) -> str | None:
    """What the newest revision of the release was made of; None unless it stands."""
    listed = json.loads(helm("list", "--namespace", release.namespace, "--deployed", "-o", "json"))
    if not any(entry["name"] == release.name for entry in listed):
        return None
    history = helm("history", release.name, "--namespace", release.namespace, "-o", "json")
    newest: dict[str, str] = json.loads(history)[-1]
    return newest["description"] if newest["status"] == "deployed" else None

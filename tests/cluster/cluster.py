"""The cluster of this checkout: up, down, and what it is at the moment.

`up` looks at what is there and does what is missing, so it also repairs whatever a killed run
left. `down` takes everything away but the caches.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import engine as engines
from tests.cluster import forward, kind, node
from tests.cluster.engine import Engine
from tests.cluster.files import digest_of, lock, remove, write
from tests.cluster.paths import ClusterPaths, cache_root, cluster_name
from tests.cluster.process import ClusterError, run, succeeds, wait_until
from tests.cluster.report import say, stage
from tests.cluster.tools import kind_module, tool

GIVEN = "MOORING_KUBECONFIG"
"""Environment variable: kubeconfig of a cluster that exists; then none is made."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the cluster of this machine is made of."""

    engine: Engine
    node_image: str | None
    """Made here; None where kind's own can be pulled."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where images go."""

    engine: Engine
    paths: ClusterPaths
    local_images: bool
    """Whether the images' base is made here too, because no image can be pulled."""


def this_cluster() -> ClusterPaths:
    """Return the paths of this checkout's cluster."""
    return ClusterPaths.of(cluster_name())


def kubeconfig() -> Path:
    """Return the kubeconfig to use: the given one, else that of this checkout's cluster.

    Raises ClusterError when there is none.
    """
    given = os.environ.get(GIVEN)
    path = Path(given) if given else this_cluster().kubeconfig
    if not path.exists():
        hint = f"{GIVEN} names it" if given else "run `python -m tests.cluster up`"
        raise ClusterError(f"{path}: no such kubeconfig; {hint}")
    return path


def current() -> Place:
    """Return the cluster that is there. Raises ClusterError when there is none."""
    paths = this_cluster()
    machine = engines.machine_engine()
    if os.environ.get(GIVEN):
        if machine is None:
            raise ClusterError(f"{GIVEN} is set and no Docker engine answers: start Docker")
        return Place(machine, paths, local_images=False)
    engine = machine or engines.own_engine(paths)
    if not paths.ready.exists() or not engines.answers(engine):
        raise ClusterError("there is no cluster; run `python -m tests.cluster up`")
    record = json.loads(paths.ready.read_text())
    return Place(engine, paths, local_images=record["node_image"] is not None)


def up() -> Path:
    """Have a working cluster and return its kubeconfig.

    Raises ClusterError when it cannot be made, or the given one does not answer.
    """
    if os.environ.get(GIVEN):
        path = kubeconfig()
        if not _ready(path):
            raise ClusterError(f"{GIVEN}={path}: its API server does not answer on /readyz")
        return path
    paths = this_cluster()
    with lock(paths.name):
        _bring_up(paths)
    return paths.kubeconfig


def _bring_up(paths: ClusterPaths) -> None:
    plan = _plan(paths)
    config = kind.configuration(
        paths.name, image=plan.node_image, api_port=kind.API_PORT if plan.engine.own else 0
    )
    wanted = digest_of([json.dumps(config, sort_keys=True)])
    if _is_made(plan.engine, paths, wanted):
        if plan.engine.own:
            _write_kubeconfig(paths)
        if _wait_ready(paths):
            return
        say("the cluster that is there does not answer; making a new one")
    _create(plan, paths, config)
    record = {"configuration": wanted, "node_image": plan.node_image}
    write(paths.ready, json.dumps(record))


def _plan(paths: ClusterPaths) -> Plan:
    found = engines.machine_engine()
    if found is None:
        with stage("start a Docker engine"), lock("machine"):
            found = engines.start(paths)
    if not found.own and _can_pull(found):
        return Plan(found, None)
    return Plan(found, node.node_image())


def _can_pull(engine: Engine) -> bool:
    """Tell whether kind's own node image is there or can be had."""
    source = default_node_image()
    if succeeds(["docker", "image", "inspect", source], env=engine.env):
        return True
    with stage("pull kind's node image"):
        return succeeds(["docker", "pull", "--quiet", source], env=engine.env)


def default_node_image() -> str:
    """Return the name of the node image that this version of kind takes by default."""
    text = (kind_module() / "pkg/apis/config/defaults/image.go").read_text()
    return text.rpartition('const Image = "')[2].partition('"')[0]


def _is_made(engine: Engine, paths: ClusterPaths, wanted: str) -> bool:
    """Tell whether the cluster was made to its end, from the same inputs, and its node runs."""
    if not paths.ready.exists():
        return False
    if json.loads(paths.ready.read_text()).get("configuration") != wanted:
        say("the cluster is of another version; making a new one")
        return False
    state = kind.node_state(engine, paths)
    if state is None:
        return False
    if state != "running":
        with stage("start the node again"):
            engine.docker("start", kind.node_name(paths))
    return True


def _create(plan: Plan, paths: ClusterPaths, config: dict[str, Any]) -> None:
    engine = plan.engine
    paths.ready.unlink(missing_ok=True)
    forward.stop(paths)
    paths.state.mkdir(parents=True, exist_ok=True)
    kind.delete(engine, paths)
    if plan.node_image is not None:
        _import_node(engine, plan.node_image)
    inner = paths.state / "kind-kubeconfig"
    with stage("create the cluster"):
        kind.create(engine, paths, config, inner)
    if engine.own:
        _write_kubeconfig(paths)
    else:
        write(paths.kubeconfig, inner.read_text(), mode=0o600)
    with stage("wait for cluster DNS and storage"):
        for namespace, name in (("kube-system", "coredns"),
                                ("local-path-storage", "local-path-provisioner")):  # fmt: skip
            kubectl = [tool("kubectl"), "--kubeconfig", paths.kubeconfig, "-n", namespace]
            run([*kubectl, "rollout", "status", f"deployment/{name}", "--timeout=120s"])


def _import_node(engine: Engine, image: str) -> None:
    if succeeds(["docker", "image", "inspect", image], env=engine.env):
        return
    archive = node.node_archive()
    with stage("import the node image"):
        for left in engine.docker("images", "--quiet", "mooring/node").split():
            succeeds(["docker", "rmi", left], env=engine.env)
        engine.docker(
            "import", "-c", "ENV container=docker",
            "-c", 'ENTRYPOINT ["/usr/local/bin/entrypoint","/sbin/init"]', archive, image,
        )  # fmt: skip


def _write_kubeconfig(paths: ClusterPaths) -> None:
    """Have a forwarder, and a kubeconfig that goes through it."""
    entry = forward.start(paths, kind.API_PORT)
    config = yaml.safe_load((paths.state / "kind-kubeconfig").read_text())
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{entry.port}"
    write(paths.kubeconfig, yaml.safe_dump(config), mode=0o600)


def _ready(path: Path) -> bool:
    return succeeds(
        [tool("kubectl"), "--kubeconfig", path, "get", "--raw", "/readyz",
         "--request-timeout=5s"],
    )  # fmt: skip


def _wait_ready(paths: ClusterPaths) -> bool:
    """Wait at most a minute for the API server and the node."""
    if _ready(paths.kubeconfig) and _node_ready(paths):
        return True
    with stage("wait for the cluster"):
        try:
            wait_until(
                lambda: _ready(paths.kubeconfig) and _node_ready(paths),
                timeout=60, what="the API server",
            )  # fmt: skip
        except ClusterError:
            return False
    return True


def _node_ready(paths: ClusterPaths) -> bool:
    return succeeds(
        [tool("kubectl"), "--kubeconfig", paths.kubeconfig, "wait", "node", "--all",
         "--for=condition=Ready", "--timeout=5s"],
    )  # fmt: skip


def down() -> None:
    """Take the cluster of this checkout away; nothing of it stays but caches."""
    paths = this_cluster()
    with lock(paths.name):
        paths.ready.unlink(missing_ok=True)
        forward.stop(paths)
        machine = engines.machine_engine()
        if machine is not None:
            with stage("delete the cluster"):
                kind.delete(machine, paths)
        elif paths.run.exists() or paths.network.exists():
            _end_own_engine(paths)
        paths.kubeconfig.unlink(missing_ok=True)


def _end_own_engine(paths: ClusterPaths) -> None:
    engine = engines.own_engine(paths)
    if engines.answers(engine):
        with stage("delete the cluster"):
            kind.delete(engine, paths)
    with stage("end the Docker engine"), lock("machine"):
        engines.clear(paths)
        engines.restore_machine()


def clean() -> None:
    """Take the cluster of this checkout away, and all caches.

    Raises ClusterError when a cluster of another checkout is up: it lives in the caches too.
    """
    down()
    others = [path.parent.name for path in (cache_root() / "clusters").glob("*/ready.json")]
    if others:
        raise ClusterError(
            f"caches kept: the clusters {', '.join(others)} use them; "
            "run `python -m tests.cluster down` in their checkouts first"
        )
    with stage("drop the caches"):
        remove(cache_root())

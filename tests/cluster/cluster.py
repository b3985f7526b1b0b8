"""The cluster of this checkout: up, down, and what it is at the moment.

`up` looks at what is there and does what is missing, so it also repairs whatever a killed run
left. `down` takes everything away but the caches.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import buildah, forward, kind, node, orphans, ready
from tests.cluster import engine as engines
from tests.cluster.engine import Engine
from tests.cluster.files import digest_of, lock, remove, write
from tests.cluster.paths import ClusterPaths, cache_root, cluster_name
from tests.cluster.process import ClusterError, succeeds
from tests.cluster.report import say, stage
from tests.cluster.tools import kind_module

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
    found = engine()
    if os.environ.get(GIVEN):
        if found.own:
            raise ClusterError(f"{GIVEN} is set and no Docker engine answers: start Docker")
        return Place(found, paths, local_images=False)
    record = _record(paths)
    if record is None or not engines.answers(found):
        raise ClusterError("there is no cluster; run `python -m tests.cluster up`")
    return Place(found, paths, local_images=record["node_image"] is not None)


def engine() -> Engine:
    """Return the Docker engine of the cluster: its own if that runs, else the machine's.

    Where neither runs it is the cluster's own, to be started.
    """
    paths = this_cluster()
    own = engines.own_engine(paths)
    if engines.has_network(paths) and engines.answers(own):
        return own
    return engines.machine_engine() or own


def _record(paths: ClusterPaths) -> dict[str, Any] | None:
    """Return what was written when the cluster was complete; None when it is not."""
    if not paths.ready.exists():
        return None
    record: dict[str, Any] = json.loads(paths.ready.read_text())
    return record


def describe() -> Iterator[tuple[str, str]]:
    """Yield (part, its state) of the cluster for a person."""
    paths, found = this_cluster(), engine()
    yield "cluster", paths.name
    whose = "of the cluster" if found.own else "of the machine"
    yield "engine", whose if engines.answers(found) else "down"
    state = kind.node_state(found, paths)
    yield "node", state or "none"
    if found.own:
        entry = forward.running(paths)
        yield "forwarder", f"127.0.0.1:{entry.port}" if entry else "down"
    config = paths.kubeconfig
    yield "API server", "ready" if config.exists() and ready.answers(config) else "down"
    yield "kubeconfig", str(config) if config.exists() else "none"


def up() -> Path:
    """Have a working cluster and return its kubeconfig.

    Raises ClusterError when it cannot be made, or the given one does not answer.
    """
    if os.environ.get(GIVEN):
        path = kubeconfig()
        if not ready.answers(path):
            raise ClusterError(f"{GIVEN}={path}: its API server does not answer on /readyz")
        return path
    orphans.drop()
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
        if ready.wait_ready(paths.kubeconfig):
            return
        say("the cluster that is there does not answer; making a new one")
    _create(plan, paths, config)
    record = {"configuration": wanted, "node_image": plan.node_image}
    write(paths.ready, json.dumps(record))


def _plan(paths: ClusterPaths) -> Plan:
    found = engine()
    if found.own and not (engines.has_network(paths) and engines.answers(found)):
        with stage("start a Docker engine"), lock("machine"):
            engines.start(paths)
    pulled = not found.own and pulls_images(found)
    return Plan(found, None if pulled else node.node_image())


def pulls_images(found: Engine) -> bool:
    """Tell whether images can be pulled: as the cluster was made, else kind's own is tried.

    A cluster that is given is one of somebody who has a registry.
    """
    record = _record(this_cluster())
    if record is not None:
        return record["node_image"] is None
    return bool(os.environ.get(GIVEN)) or _can_pull(found)


def _can_pull(found: Engine) -> bool:
    source = default_node_image()
    if succeeds(["docker", "image", "inspect", source], env=found.env):
        return True
    with stage("try to pull kind's node image"):
        pulled = succeeds(["docker", "pull", "--quiet", source], env=found.env)
    if not pulled:
        say("it cannot be pulled: images are made here, from Debian's packages")
    return pulled


def default_node_image() -> str:
    """Return the name of the node image that this version of kind takes by default."""
    text = (kind_module() / "pkg/apis/config/defaults/image.go").read_text()
    return text.rpartition('const Image = "')[2].partition('"')[0]


def _is_made(found: Engine, paths: ClusterPaths, wanted: str) -> bool:
    """Tell whether the cluster was made to its end; if so its node runs now."""
    record = _record(paths)
    if record is None:
        return False
    if record["configuration"] != wanted:
        # It may hold what somebody works with: only a person takes it away.
        say("the cluster was made by another version of this checkout; to have a new one run "
            "`python -m tests.cluster down` and then `up`")  # fmt: skip
    state = kind.node_state(found, paths)
    if state is None:
        return False
    if state != "running":
        with stage("start the node again"):
            found.docker("start", kind.node_name(paths))
    return True


def _create(plan: Plan, paths: ClusterPaths, config: dict[str, Any]) -> None:
    found = plan.engine
    paths.ready.unlink(missing_ok=True)
    forward.stop(paths)
    orphans.claim(paths)
    kind.delete(found, paths)
    if plan.node_image is not None:
        node.provide(found)
    inner = paths.state / "kind-kubeconfig"
    with stage("create the cluster"):
        kind.create(found, paths, config, inner)
    if found.own:
        _write_kubeconfig(paths)
    else:
        write(paths.kubeconfig, inner.read_text(), mode=0o600)
    with stage("wait for cluster DNS and storage"):
        ready.wait_for_services(paths.kubeconfig)


def _write_kubeconfig(paths: ClusterPaths) -> None:
    """Have a forwarder, and a kubeconfig that goes through it."""
    entry = forward.start(paths, kind.API_PORT)
    config = yaml.safe_load((paths.state / "kind-kubeconfig").read_text())
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{entry.port}"
    write(paths.kubeconfig, yaml.safe_dump(config), mode=0o600)


def down() -> None:
    """Take the cluster of this checkout away; nothing of it stays but caches."""
    paths = this_cluster()
    with lock(paths.name):
        paths.ready.unlink(missing_ok=True)
        forward.stop(paths)
        found = engine()
        if engines.answers(found):
            with stage("delete the cluster"):
                kind.delete(found, paths)
        if paths.run.exists() or paths.network.exists():
            _end_own_engine(paths)
        paths.kubeconfig.unlink(missing_ok=True)


def _end_own_engine(paths: ClusterPaths) -> None:
    answered = engines.answers(engines.own_engine(paths))
    with stage("end the Docker engine"), lock("machine"):
        engines.clear(paths)
        engines.restore_machine()
    if not answered:  # nobody could ask it to give up the node's volumes
        remove(paths.docker_data)


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
        buildah.forget()
        remove(cache_root())

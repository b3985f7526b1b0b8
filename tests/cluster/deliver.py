"""From the checkout's files to images that the cluster's pods can start."""

import os
from collections.abc import Sequence

import yaml

from tests.cluster import buildah, cluster, load
from tests.cluster.engine import Engine
from tests.cluster.files import lock
from tests.cluster.images import Image, describe, image_names
from tests.cluster.paths import CHECKOUT, ClusterPaths
from tests.cluster.process import ClusterError, run, succeeds
from tests.cluster.report import stage
from tests.cluster.tools import tool


def deliver(names: Sequence[str] = ()) -> dict[str, str]:
    """Build the images `names` (all by default), bring them to the node, return their full names.

    Only what changed since is built, and only what the node lacks is loaded.
    Raises ClusterError when there is no cluster, a build fails, or images cannot be brought there.
    """
    place = cluster.current()
    if place.local_images:
        images = _described(names, base=buildah.local_base())
        buildah.build(images)
        with lock(place.paths.name):
            load.load(place.engine, place.paths, images)
    else:
        images = _described(names, base=None)
        _build_with_docker(place.engine, images)
        _load_with_kind(place.engine, place.paths, images)
    return {image.name: image.reference for image in images}


def build() -> None:
    """Build all images where they are made on this machine, cluster or not; else do nothing."""
    found = cluster.engine()
    if found.own or not cluster.pulls_images(found):
        buildah.build(_described((), base=buildah.local_base()))


def _described(names: Sequence[str], *, base: str | None) -> list[Image]:
    return [describe(name, base=base) for name in names or image_names()]


def _build_with_docker(engine: Engine, images: Sequence[Image]) -> None:
    for image in images:
        if succeeds(["docker", "image", "inspect", image.reference], env=engine.env):
            continue
        with stage(f"build {image.reference}"):
            engine.docker("build", "--file", image.dockerfile, "--tag", image.reference, CHECKOUT)


def _load_with_kind(engine: Engine, paths: ClusterPaths, images: Sequence[Image]) -> None:
    """Load images into a kind cluster; kind itself skips what is there."""
    name = _kind_name(paths)
    references = [image.reference for image in images]
    with stage(f"load onto the node: {', '.join(image.name for image in images)}"):
        run([tool("kind"), "load", "docker-image", *references, "--name", name], env=engine.env)


def _kind_name(paths: ClusterPaths) -> str:
    given = os.environ.get(cluster.GIVEN)
    if not given:
        return paths.name
    context = str(yaml.safe_load(cluster.kubeconfig().read_text()).get("current-context"))
    if not context.startswith("kind-"):
        raise ClusterError(
            f"{cluster.GIVEN}={given}: its current context {context!r} is not a kind cluster, so "
            "images cannot be loaded; push them to a registry that its nodes can reach"
        )
    return context.removeprefix("kind-")

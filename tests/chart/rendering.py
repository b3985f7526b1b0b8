"""Render a chart as `helm install` would, and look at the objects as plain dicts."""

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.tools import tool

CHARTS = Path(__file__).resolve().parents[2] / "charts"
KUBERNETES_VERSION = "1.36.3"

Manifest = dict[str, Any]


class RenderError(Exception):
    """Helm refused the values; the text is what a person would see."""


def helm(*arguments: str | Path, stdin: str = "") -> str:
    """Run helm and return its standard output; raise RenderError with its standard error."""
    done = subprocess.run(
        [tool("helm"), *arguments], input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RenderError(done.stderr)
    return done.stdout


def render(
    chart: str,
    values: Mapping[str, Any] | None = None,
    *,
    namespace: str = "mooring-system",
    kubernetes_version: str = KUBERNETES_VERSION,
    kinds: Iterable[str] = (),
) -> list[Manifest]:
    """Return what `helm install CHART` with `values` would send, without the CRDs.

    The release has the chart's name. `kinds` are what the cluster knows beside its own, as
    group/version/kind. Raises RenderError when helm refuses.
    """
    known = [part for kind in kinds for part in ("--api-versions", kind)]
    rendered = helm(
        "template", chart, CHARTS / chart, "--namespace", namespace,
        "--kube-version", kubernetes_version, "--values", "-", *known,
        stdin=yaml.safe_dump(dict(values or {})),
    )  # fmt: skip
    return [manifest for manifest in yaml.safe_load_all(rendered) if manifest]


def find(manifests: Iterable[Manifest], kind: str, name: str | None = None) -> Manifest:
    """Return the one object of `kind` (and `name`); AssertionError when there is not one."""
    found = [
        manifest
        for manifest in manifests
        if manifest["kind"] == kind and name in {None, manifest["metadata"]["name"]}
    ]
    assert len(found) == 1, f"{kind} {name or ''}: {len(found)} of it are rendered"
    return found[0]


def class_values(**more: Any) -> dict[str, Any]:
    """Return values of charts/mooring with a class, those that come with the playground."""
    values: dict[str, Any] = yaml.safe_load((CHARTS / "playground/mooring-values.yaml").read_text())
    return values | more


def crds() -> list[Manifest]:
    """Return the definitions that Helm installs before the templates of charts/mooring."""
    return [
        yaml.safe_load(path.read_text()) for path in sorted((CHARTS / "mooring/crds").glob("*"))
    ]

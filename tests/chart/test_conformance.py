"""Every object of both charts has the form that the API server publishes for its kind."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart import schemas
from tests.chart.rendering import CHARTS, Manifest, class_values, crds, helm, render
from tests.cluster.cluster import default_node_image
from tests.cluster.tools import tool


def kubeconform(manifests: list[Manifest], folder: Path) -> str:
    """Return what kubeconform finds wrong with the manifests; empty when all is well."""
    done = subprocess.run(
        [tool("kubeconform"), "-schema-location", folder / schemas.LOCATION, "-"],
        input=yaml.safe_dump_all(manifests), capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


@pytest.mark.parametrize("chart", ["mooring", "playground"])
def test_helm_lint_finds_nothing(chart: str) -> None:
    report = helm("lint", "--strict", CHARTS / chart)
    assert "0 chart(s) failed" in report
    assert "[WARNING]" not in report


@pytest.mark.parametrize("chart", ["mooring", "playground"])
def test_the_version_that_kind_pulls_is_not_refused(chart: str) -> None:
    """It is a newer Kubernetes than the one that tests/cluster builds."""
    version = default_node_image().partition(":v")[2].partition("@")[0]
    assert render(chart, kubernetes_version=version)


def test_a_wrong_field_is_found(schema_folder: Path) -> None:
    manifests = render("mooring", class_values())
    for manifest in manifests:
        if manifest["kind"] in {"Deployment", "MlflowWorkspaceClass"}:
            manifest["spec"]["replicsa"] = 1
    report = kubeconform(manifests, schema_folder)
    assert "Deployment mooring is invalid" in report
    assert "MlflowWorkspaceClass default is invalid" in report
    assert report.count("is invalid") == 2


@pytest.mark.parametrize(
    ("chart", "values"), [("mooring", {}), ("mooring", class_values()), ("playground", {})]
)
def test_every_object_has_the_published_form(
    chart: str, values: dict[str, Any], schema_folder: Path
) -> None:
    assert kubeconform(render(chart, values), schema_folder) == ""


def test_the_definitions_have_the_published_form(schema_folder: Path) -> None:
    assert {definition["spec"]["names"]["kind"] for definition in crds()} == {
        "MlflowBinding", "MlflowWorkspace", "MlflowWorkspaceClass",
    }  # fmt: skip
    assert kubeconform(crds(), schema_folder) == ""

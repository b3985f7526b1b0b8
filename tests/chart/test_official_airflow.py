"""The values for Airflow's official chart, which cannot be had here, and ours beside them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from mooring_airflow.binding_choice import Settings
from mooring_airflow.options import OPTIONS
from tests.chart.rendering import find, render

FOLDER: Final = Path(__file__).parents[2] / "docs" / "airflow-official-chart"

DOCUMENTED: Final = frozenset(
    {
        "airflowVersion",
        "allowPodLaunching",
        "config",
        "executor",
        "images.airflow.repository",
        "images.airflow.tag",
        "multiNamespaceMode",
        "redis.enabled",
        "scheduler.serviceAccount.name",
        "statsd.enabled",
        "triggerer.enabled",
        "triggerer.serviceAccount.name",
    }
)
"""https://airflow.apache.org/docs/helm-chart/stable/parameters-ref.html."""


def values(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}-values.yaml").read_text())
    return found


def parameters(tree: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """The names of the parameters that values set, as the chart's reference writes them."""
    for key, value in tree.items():
        name = f"{before}{key}"
        if isinstance(value, dict) and name not in DOCUMENTED:
            yield from parameters(value, f"{name}.")
        else:
            yield name


def test_every_parameter_is_documented() -> None:
    assert set(parameters(values("airflow"))) == DOCUMENTED


def test_the_service_accounts_are_the_classes_launchers() -> None:
    airflow = values("airflow")
    assert airflow["executor"] == "LocalExecutor", "it starts pods from the scheduler's"
    named = {airflow[part]["serviceAccount"]["name"] for part in ("scheduler", "triggerer")}
    made = find(render("mooring", values("mooring")), "MlflowWorkspaceClass")
    launchers = made["spec"]["launchers"]
    assert {each["serviceAccount"] for each in launchers} == named
    assert {each["namespace"] for each in launchers} == {"airflow"}
    assert not airflow["multiNamespaceMode"]


def test_the_settings_are_the_providers() -> None:
    settings = values("airflow")["config"]["mooring"]
    assert settings.keys() <= OPTIONS.keys()
    bindings = json.loads(settings["namespace_bindings"])
    assert Settings(namespace_bindings=bindings).named("team-a") == "team-a"

"""What Airflow is told of this provider: by its own schema, and as its managers read it."""

import json
import subprocess
import sys
from importlib import import_module, resources
from typing import Any

import pytest
from airflow.providers_manager import ProvidersManager
from jsonschema import Draft7Validator

from mooring_airflow import assets, decorators
from mooring_airflow.form import CONNECTION_TYPE
from mooring_airflow.options import OPTIONS
from mooring_airflow.provider import get_provider_info

INFO = get_provider_info()


def schema(name: str) -> Any:
    return json.loads(resources.files("airflow").joinpath(name).read_text())


def test_airflow_takes_what_it_is_told() -> None:
    Draft7Validator(schema("provider_info.schema.json")).validate(INFO)


def test_the_form_is_one_that_airflow_draws() -> None:
    # provider_info.schema.json says nothing of the form; the one of provider.yaml does.
    forms = schema("provider.yaml.schema.json")["properties"]["connection-types"]
    Draft7Validator(forms).validate(INFO["connection-types"])


@pytest.mark.parametrize(
    "module",
    [
        module
        for kind in ("operators", "hooks", "sensors", "triggers")
        for entry in INFO.get(kind, [])
        for module in entry["python-modules"]
    ],
)
def test_every_module_is_there(module: str) -> None:
    assert import_module(module).__doc__


@pytest.mark.filterwarnings("ignore:ProvidersManager")
def test_airflow_finds_the_provider() -> None:
    manager = ProvidersManager()
    assert INFO.items() <= manager.providers["mooring-airflow"].data.items()
    hook = manager.hooks[CONNECTION_TYPE]
    assert hook is not None
    assert (hook.hook_name, hook.connection_testable) == ("MLflow", True)
    form = manager.connection_form_widgets[f"extra__{CONNECTION_TYPE}__token"]
    assert form.is_sensitive
    assert manager.field_behaviours[CONNECTION_TYPE]["relabeling"]["login"] == "User"
    links = {name for name in manager.extra_links_class_names if name.startswith("mooring_")}
    assert links == set(INFO["extra-links"])
    assert manager.taskflow_decorators["mlflow"] is decorators.mlflow_task
    assert dict(manager.provider_configs)["mooring-airflow"]["mooring"]["options"] == OPTIONS
    assert manager.asset_factories["mlflow"] is assets.registered_model
    assert manager.asset_uri_handlers["mlflow"] is assets.sanitize_uri
    triggers = {trigger.trigger_class_name for trigger in manager.trigger}
    assert "mooring_airflow.triggers" in triggers


def test_airflow_starts_without_what_the_provider_needs_later() -> None:
    program = (
        "import sys; from mooring_airflow.provider import get_provider_info; get_provider_info();"
        "print([n for n in ('airflow', 'httpx', 'kubernetes', 'mlflow') if n in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
    assert said.strip() == b"[]"

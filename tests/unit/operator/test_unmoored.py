"""Which pods look like MLflow clients that nobody has bound."""

from typing import Any

import pytest

from mooring import contract
from mooring_operator.plan.unmoored import client_in, told

BINDINGS = ["models"]


def pod(*, annotations: dict[str, str] | None = None, **container: Any) -> dict[str, Any]:
    named = {"name": "train", "image": "python:3.12", **container}
    metadata = {"name": "p", **({"annotations": annotations} if annotations else {})}
    return {"metadata": metadata, "spec": {"containers": [{"name": "side", "image": "x"}, named]}}


@pytest.mark.parametrize(
    ("container", "by"),
    [
        ({"env": [{"name": "A"}, {"name": "MLFLOW_EXPERIMENT_NAME"}]}, "MLFLOW_EXPERIMENT_NAME"),
        ({"image": "registry/team/train-mlflow:3"}, "train-mlflow:3"),
        ({"command": ["python", "-m", "mlflow", "run", "."]}, "command"),
        ({"command": ["sh", "-c"], "args": ["mlflow run ."]}, "command"),
        ({"args": ["python -c 'import mlflow; …'"]}, "command"),
        ({"env": [{"name": "MLFLOW_X"}], "envFrom": [{"secretRef": {"name": "s"}}]}, "MLFLOW_X"),
    ],
)
def test_a_client_is_known_by_image_command_or_environment(
    container: dict[str, Any], by: str
) -> None:
    found = client_in(pod(**container), BINDINGS)
    assert found.startswith("container train (")
    assert by in found


@pytest.mark.parametrize(
    "container",
    [
        {},
        {"image": "registry/team/xmlflows:3"},
        {"command": ["python", "train.py"], "env": [{"name": "NO_MLFLOW_HERE"}]},
        {"image": "mlflow:3", "command": ["mlflow"], "args": ["server", "--port", "5000"]},
        {"image": "mlflow:3", "command": ["sh", "-c", "mlflow db upgrade $URI"]},
        {"image": "mlflow:3", "envFrom": [{"configMapRef": {"name": "models-mlflow"}}]},
    ],
)
def test_what_is_none_or_has_the_contract_is_left_alone(container: dict[str, Any]) -> None:
    assert client_in(pod(**container), BINDINGS) == ""


def test_what_was_injected_by_default_is_left_alone() -> None:
    injected = {contract.INJECTED_ANNOTATION: "models"}
    assert client_in(pod(image="mlflow:3", annotations=injected), BINDINGS) == ""


def test_the_message_says_what_to_do() -> None:
    message = told("container train (its image is mlflow:3)", ["models"])
    assert "label mooring.dev/binding: models; if" in message
    assert 'mooring.dev/skip: "true"' in message
    assert "(there are a, b)" in told("x", ["a", "b"])
    longest = told("c" * 300, ["b" * 35] * 9)
    assert len(longest.encode()) <= 1024

"""Which binding a task means, and what its status must say."""

from typing import Any

import pytest

from mooring_airflow.binding import parse_binding
from mooring_airflow.binding_name import BindingName
from mooring_airflow.errors import MooringError

NAME = BindingName("team-a", "team-a")


def status(**changes: Any) -> dict[str, Any]:
    ready = {
        "conditions": [
            {"type": "Accepted", "status": "True"},
            {"type": "Ready", "status": "True"},
        ],
        "url": "http://team-a-mlflow.team-a.svc:5000/",
        "artifactRoot": "s3://mlflow/team-a/team-a",
        "workspace": {"name": "team-a", "namespace": "team-a"},
        "pod": {"envFrom": []},
    }
    return {"status": {**ready, **changes}}


@pytest.mark.parametrize(
    ("text", "pod_namespace", "expected"),
    [
        ("team-a", None, "team-a/team-a"),
        ("team-a", "jobs", "jobs/team-a"),
        ("jobs/team-a", None, "jobs/team-a"),
        ("jobs/team-a", "jobs", "jobs/team-a"),
    ],
)
def test_names(text: str, pod_namespace: str | None, expected: str) -> None:
    assert str(BindingName.parse(text, pod_namespace)) == expected


@pytest.mark.parametrize("text", ["", "/", "/team-a", "jobs/", "a/b/c"])
def test_refuses_what_names_no_binding(text: str) -> None:
    with pytest.raises(ValueError, match="write the name of an MlflowBinding"):
        BindingName.parse(text, None)


def test_refuses_a_pod_elsewhere() -> None:
    with pytest.raises(ValueError, match="make an MlflowBinding in jobs"):
        BindingName.parse("team-a/team-a", "jobs")


def test_reads_a_ready_binding() -> None:
    binding = parse_binding(NAME, status())
    assert binding.url == "http://team-a-mlflow.team-a.svc:5000"
    assert binding.workspace == "team-a/team-a"


def test_people_open_its_pages_where_it_is_exposed() -> None:
    inside = parse_binding(NAME, status())
    assert inside.pages == inside.url
    outside = parse_binding(NAME, status(externalUrl="https://team-a.example.com"))
    assert (outside.pages, outside.url) == ("https://team-a.example.com", inside.url)


def test_says_the_workspace_of_mlflow_with_each_request() -> None:
    assert parse_binding(NAME, status()).headers == {}
    inside = parse_binding(NAME, status(mlflowWorkspace="team-a"))
    assert inside.headers == {"X-MLFLOW-WORKSPACE": "team-a"}


def test_tells_the_condition_that_is_not_true() -> None:
    refused = {
        "type": "Accepted",
        "status": "False",
        "reason": "NotAllowed",
        "message": "workspace team-a/team-a admits Same.",
    }
    conditions = [refused, {"type": "Ready", "status": "False", "reason": "NotAccepted"}]
    with pytest.raises(MooringError, match=r"not Accepted: NotAllowed: workspace .* admits Same"):
        parse_binding(NAME, status(conditions=conditions))


def test_tells_that_nobody_has_answered_yet() -> None:
    with pytest.raises(MooringError, match="is the Mooring operator running"):
        parse_binding(NAME, {})

"""The example DAGs: what their authors wrote, and what Airflow sees in the folder."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from mooring_airflow.assets import registered_model
from mooring_airflow.binding_choice import named_by_dag

EXAMPLES = Path(__file__).parents[3] / "dags" / "examples"


VERIFIED = (
    "breast_cancer",
    "promote_when_better",
    "on_new_champion",
    "wait_for_champion",
    "deferred",
    "functions",
    "resumed",
)
PLAIN = "plain_pods"
DAGS = (*VERIFIED, PLAIN)
WIRING = ("http", "s3:", "AWS", "MLFLOW_", "bucket", "secret", "env_vars")


def imported(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(autouse=True)
def image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINING_IMAGE", "mooring/training:test")


def test_three_trainings_then_evaluation_then_scores() -> None:
    dag = imported("breast_cancer").score.dag
    assert dag.task_dict["train"].downstream_task_ids == {"evaluate"}
    assert dag.task_dict["evaluate"].downstream_task_ids == {"score"}
    assert len(dag.task_dict["train"].expand_input.value["arguments"]) == 3


def test_a_champion_starts_the_dag_that_waits_for_it() -> None:
    promote = imported("promote_when_better").promote
    assert promote.upstream_task_ids == {"register"}
    (awaited,) = imported("on_new_champion").score.dag.timetable.asset_condition.objects
    emitted = registered_model(
        binding=promote.binding, model=promote.model_name, alias=promote.alias
    )
    assert awaited == emitted


def test_plain_pods_are_bound_by_the_tag_of_their_dag() -> None:
    dag = imported(PLAIN).dag
    assert named_by_dag(dag.params, dag.tags) == "team-a"


def test_the_sensor_waits_for_the_alias_that_promotion_moves() -> None:
    promote, wait = imported("promote_when_better").promote, imported("wait_for_champion").wait
    awaited = (wait.binding, wait.model_name, wait.alias)
    assert awaited == (promote.binding, promote.model_name, promote.alias)
    assert wait.downstream_task_ids == {"score"}


@pytest.mark.parametrize("name", DAGS)
def test_an_example_is_short(name: str) -> None:
    assert len(code(name).splitlines()) < 50


@pytest.mark.parametrize("name", VERIFIED)
def test_the_author_names_the_binding_and_nothing_else(name: str) -> None:
    assert not [word for word in (*WIRING, "namespace") if word in code(name)]


def test_the_author_of_plain_pods_names_their_namespace_too() -> None:
    assert not [word for word in WIRING if word in code(PLAIN)]


def code(name: str) -> str:
    """An example without its doc."""
    text = (EXAMPLES / f"{name}.py").read_text()
    return text.partition('"""')[2].partition('"""')[2]


def test_what_runs_in_pods_is_no_dag() -> None:
    ignored = (EXAMPLES / ".airflowignore").read_text().split()
    scripts = {p.name for p in EXAMPLES.glob("*.py")} - {f"{name}.py" for name in DAGS}
    assert scripts <= set(ignored)

"""The example DAGs: what their authors wrote, and what Airflow sees in the folder."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from mooring_airflow.assets import registered_model

EXAMPLES = Path(__file__).parents[3] / "dags" / "examples"


DAGS = ("breast_cancer", "promote_when_better", "on_new_champion")


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


@pytest.mark.parametrize("name", DAGS)
def test_the_author_names_the_binding_and_nothing_else(name: str) -> None:
    text = (EXAMPLES / f"{name}.py").read_text()
    code = text.partition('"""')[2].partition('"""')[2]
    for word in ("http", "s3:", "AWS", "MLFLOW_", "bucket", "secret", "env_vars", "namespace"):
        assert word not in code


def test_what_runs_in_pods_is_no_dag() -> None:
    ignored = (EXAMPLES / ".airflowignore").read_text().split()
    scripts = {p.name for p in EXAMPLES.glob("*.py")} - {f"{name}.py" for name in DAGS}
    assert scripts <= set(ignored)

"""The example DAG: what its author wrote, and what Airflow sees in the folder."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLES = Path(__file__).parents[3] / "dags" / "examples"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("TRAINING_IMAGE", "mooring/training:test")
    spec = importlib.util.spec_from_file_location("example", EXAMPLES / "breast_cancer.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_three_trainings_then_evaluation_then_scores(module: ModuleType) -> None:
    dag = module.score.dag
    assert dag.task_dict["train"].downstream_task_ids == {"evaluate"}
    assert dag.task_dict["evaluate"].downstream_task_ids == {"score"}
    assert len(dag.task_dict["train"].expand_input.value["arguments"]) == 3


def test_the_author_names_the_binding_and_nothing_else() -> None:
    text = (EXAMPLES / "breast_cancer.py").read_text()
    code = text.partition('"""')[2].partition('"""')[2]
    for word in ("http", "s3:", "AWS", "MLFLOW_", "bucket", "secret", "env_vars", "namespace"):
        assert word not in code


def test_what_runs_in_pods_is_no_dag() -> None:
    ignored = (EXAMPLES / ".airflowignore").read_text().split()
    scripts = {p.name for p in EXAMPLES.glob("*.py")} - {"breast_cancer.py"}
    assert scripts <= set(ignored)

"""What an author may get wrong with MlflowPodOperator, and what the task says then.

A binding that is missing or not ready, and variables that would win over its own: test_operator.py.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from mooring import contract
from mooring_airflow.errors import MooringError
from mooring_airflow.identity import run_context
from mooring_airflow.registration import registered
from mooring_airflow.verify import verify
from tests.cluster.apiserver import ApiServer
from tests.integration.airflow.bound import END, Bound, answered
from tests.integration.airflow.runs import emitted, expectation, run_of, task_tags
from tests.integration.airflow.world import Workspace
from tests.integration.training.pods import Image, training
from tests.services.older_mlflow import OLDEST, older_python


@pytest.fixture(scope="module")
def bound(apiserver: ApiServer, team: Workspace) -> Iterator[Bound]:
    """A namespace with a node, and a binding that is ready."""
    with answered(apiserver, team) as space:
        yield space


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"labels": {contract.BINDING_LABEL: "team-b"}},
            r"TwoBindings: binding is team-.*/team-a, and labels name team-b \(mooring.dev/binding",
        ),
        ({"namespace": "elsewhere"}, "make an MlflowBinding in elsewhere"),
        ({"require": ["{{ '' }}"]}, "require has '': write a name"),
    ],
    ids=["two bindings", "binding of another namespace", "require that renders to nothing"],
)
def test_is_refused_before_any_pod(bound: Bound, changes: dict[str, Any], said: str) -> None:
    task, context = bound.task(END, **changes), bound.context()
    task.render_template_fields(context)
    with pytest.raises((MooringError, ValueError), match=said):
        task.execute(context)
    assert bound.pods() == []


@pytest.mark.parametrize("image", ["without MLflow", "without Python"])
def test_an_image_that_cannot_log_is_not_taken_for_a_training(bound: Bound, image: str) -> None:
    cmds, code = {
        # Without its packages Python has no MLflow, and the script says that it can do without.
        "without MLflow": (
            ["python", "-ISc"],
            "try: import mlflow\nexcept ImportError: print('trained')",
        ),
        "without Python": (["bash", "-c"], "echo trained"),
    }[image]
    with pytest.raises(MooringError, match=r"RunMissing: .* logs nothing to MLflow"):
        bound.task("", cmds=cmds, arguments=[code]).execute(bound.context())


TWO = """
other = call("runs/create", experiment_id="0", tags=pairs, start_time=1)["run"]["info"]["run_id"]
call("runs/update", run_id=other, status="FINISHED")
call("runs/update", run_id=run, start_time=2, status="FINISHED")
"""


def test_of_two_runs_both_are_verified_and_one_is_handed_on(bound: Bound) -> None:
    context = bound.context()
    bound.task(TWO).execute(context)
    runs = bound.runs(context)
    assert len(runs) == 2
    assert bound.pushed[contract.XCOM_KEY]["run_id"] in runs
    for run in runs:
        assert run_of(bound.team, run)["tags"][contract.TAG_VERIFIED] == "true"


def test_of_two_runs_neither_may_be_left_open(bound: Bound) -> None:
    with pytest.raises(MooringError, match=r"RunNotFinished: .* is RUNNING"):
        bound.task('call("runs/create", experiment_id="0", tags=pairs)\n' + END).execute(
            bound.context()
        )


def test_what_is_not_verified_starts_no_dag_and_is_no_version(bound: Bound) -> None:
    context, name = bound.context(), f"model-{uuid.uuid4().hex[:8]}"
    registering = f"""
call("registered-models/create", name={name!r})
call("model-versions/create", name={name!r}, source="s3://mlflow/model", run_id=run)
"""
    task = bound.task(
        registering + END, require=["model"], on_missing="warn", register=f"{name}-too"
    )
    task.execute(context)
    reference = bound.pushed[contract.XCOM_KEY]
    left = run_of(bound.team, reference["run_id"])["tags"]
    assert left[contract.TAG_FINDING] == "RequiredMissing"
    assert (reference["registered_model"], reference["registered_version"]) == (name, "1")
    assert emitted(context) == {}


OLD = """
import mlflow
with mlflow.start_run():
    same = lambda model_input: model_input
    mlflow.pyfunc.log_model("model", python_model=same, pip_requirements=["mlflow"])
"""


def test_a_model_of_mlflow_2_is_verified_as_files_and_cannot_be_registered(team: Workspace) -> None:
    tags = task_tags("old")
    image, context = Image(older_python(OLDEST), ""), {contract.RUN_CONTEXT: run_context(tags)}
    with training(image, team.environment, OLD, **context) as pod:
        assert pod.end() == 0, pod.said()
    expected = expectation(team, tags, "model", "model/MLmodel")
    found = verify(expected)
    assert (found.status, found.model_uri) == ("FINISHED", None)
    with pytest.raises(MooringError, match=r"NothingToRegister: .* that of 2\.x logs files alone"):
        registered(expected, found, "m")

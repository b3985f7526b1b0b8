"""Every check on evidence that shows the loss it is there for."""

import json
from dataclasses import replace
from typing import Any

import pytest

from mooring import contract
from mooring_airflow.binding import Binding
from mooring_airflow.binding_name import BindingName
from mooring_airflow.checks import Expectation, first_finding
from mooring_airflow.evidence import PARENT_TAG, Evidence, Model, Run, finite, reference
from mooring_airflow.ref import MlflowRunRef
from mooring_airflow.report import ended
from mooring_airflow.require import requirements

ROOT = "s3://mlflow/team-a/team-a"
TAGS = {
    contract.TAG_DAG_ID: "d",
    contract.TAG_RUN_ID: "r",
    contract.TAG_TASK_ID: "train",
    contract.TAG_MAP_INDEX: "-1",
    contract.TAG_TRY_NUMBER: "1",
    contract.TAG_POD: "train-1",
}
BINDING = Binding(BindingName("team-a", "team-a"), "http://mlflow:5000", ROOT, "team-a/team-a", {})
RUN = Run("r1", "1", "good", "FINISHED", f"{ROOT}/1/r1/artifacts", 1, {}, {"auc": 0.9})
CHILD = replace(RUN, run_id="r2", tags={"mlflow.parentRunId": "r1"})
MODEL = Model("m-1", "model", "LOGGED_MODEL_READY", f"{ROOT}/1/models/m-1", "r1", {"MLmodel": 9})
GOOD = Evidence([RUN], [MODEL], {"report.csv": 120})


def expectation(*require: Any) -> Expectation:
    return Expectation(BINDING, TAGS, requirements(require))


def test_finds_nothing_when_all_landed() -> None:
    assert first_finding(expectation("model", "report.csv"), GOOD) is None


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (Evidence([], []), "RunMissing"),
        (replace(GOOD, runs=[replace(RUN, status="RUNNING")]), "RunNotFinished"),
        (replace(GOOD, runs=[replace(RUN, status="FAILED")]), "RunNotFinished"),
        (replace(GOOD, runs=[replace(RUN, artifact_uri="/mlruns/1")]), "ArtifactsElsewhere"),
        (replace(GOOD, runs=[RUN, replace(CHILD, artifact_uri="/m")]), "ArtifactsElsewhere"),
        (
            replace(GOOD, models=[replace(MODEL, status="LOGGED_MODEL_UPLOAD_FAILED")]),
            "ModelNotReady",
        ),
        (replace(GOOD, models=[replace(MODEL, status="LOGGED_MODEL_PENDING")]), "ModelNotReady"),
        (replace(GOOD, models=[replace(MODEL, artifact_uri="/m")]), "ArtifactsElsewhere"),
        (replace(GOOD, models=[replace(MODEL, files={})]), "ModelMissing"),
        (replace(GOOD, models=[replace(MODEL, files={"MLmodel": 0})]), "ModelMissing"),
        (replace(GOOD, models=[]), "RequiredMissing"),
        (replace(GOOD, unlisted="HTTP 500: NoSuchBucket"), "StoreNotListed"),
        (
            Evidence(
                [replace(RUN, status="FAILED")], [replace(MODEL, status="FAILED")], GOOD.files
            ),
            "ModelNotReady",
        ),
    ],
)
def test_finds_the_loss(evidence: Evidence, reason: str) -> None:
    finding = first_finding(expectation("model"), evidence)
    assert finding is not None
    assert finding.reason == reason
    assert "team-a" in finding.message


def test_a_failed_trial_of_a_search_is_the_authors_business() -> None:
    evidence = replace(GOOD, runs=[RUN, replace(CHILD, status="FAILED")])
    assert first_finding(expectation(), evidence) is None


def test_a_parent_that_is_no_run_of_the_pod_excuses_nothing() -> None:
    of_a_dag = {PARENT_TAG: "of the whole DAG"}
    runs = [replace(RUN, tags=of_a_dag), replace(RUN, run_id="r2", tags=of_a_dag, status="FAILED")]
    finding = first_finding(expectation(), replace(GOOD, runs=runs))
    assert finding is not None
    assert finding.reason == "RunNotFinished"


def test_says_what_is_missing_and_what_is_there() -> None:
    finding = first_finding(expectation("model", "other.csv"), GOOD)
    assert finding is not None
    assert finding.message.startswith("other.csv did not land in workspace team-a/team-a")
    assert "found: model, report.csv" in finding.message


def test_the_reference_is_json_whatever_the_metrics_are() -> None:
    metrics = {"nan": finite("NaN"), "infinite": finite(float("inf")), "auc": finite(0.5)}
    found = reference(Evidence([replace(RUN, metrics=metrics)], [MODEL]), "http://mlflow", ())
    read = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert read["metrics"] == {"nan": None, "infinite": None, "auc": 0.5}
    assert read["model_uri"] == "models:/m-1"
    assert MlflowRunRef.of({**read, "of a later version": 1}) == found
    assert read["ui_url"] == "http://mlflow/#/experiments/1/runs/r1"


def test_the_reference_prefers_what_is_required() -> None:
    latest = replace(MODEL, model_id="m-2", name="scaler")
    evidence = replace(GOOD, models=[latest, MODEL])
    assert reference(evidence, "", ()).model_id == "m-2"
    assert reference(evidence, "", requirements(["model"])).model_id == "m-1"


def test_the_reference_stands_for_the_parent_of_a_search() -> None:
    later_child = replace(CHILD, start_time=9)
    assert reference(Evidence([later_child, RUN], []), "", ()).run_id == "r1"
    assert reference(Evidence([later_child], []), "", ()).model_uri is None


def test_of_two_runs_the_latest_is_handed_on_with_its_own_model_and_the_log_says_so() -> None:
    later = replace(RUN, run_id="r3", name="later", start_time=9)
    of_later = replace(MODEL, model_id="m-3", run_id="r3")
    # Models come latest first, and runs too, by the times of their begin.
    both = replace(GOOD, runs=[later, RUN], models=[MODEL, of_later])
    assert first_finding(expectation("model"), both) is None
    for prefer in ((), requirements(["model"])):
        found = reference(both, "", prefer)
        assert (found.run_id, found.model_id) == ("r3", "m-3")
    assert "latest of" not in ended(expectation(), replace(GOOD, runs=[RUN, CHILD]), None)
    said = ended(expectation(), both, None)
    assert "handed on: this run, the latest of 2 (the others: good (r1)); to hand on" in said


@pytest.mark.parametrize(
    ("wanted", "missing"),
    [
        ("plots/*.png", ""),
        ("plots", ""),
        ({"name": "plots/*.png", "min_count": 2, "min_bytes": 300}, ""),
        ({"name": "mod*", "flavor": "sklearn"}, ""),
        ("*.png", "*.png did not land"),
        ("plots/*.svg", "plots/*.svg did not land"),
        (
            {"name": "plots/*.png", "min_count": 3},
            "plots/*.png (at least 3) (found 2, 300 bytes) did not land",
        ),
        (
            {"name": "plots", "min_bytes": 301},
            "plots (at least 301 bytes) (found 2, 300 bytes) did not land",
        ),
        ({"name": "model", "flavor": "torch"}, "model (flavour torch) did not land"),
        # A flavour is asked of models, and a file has none.
        ({"name": "plots/a.png", "flavor": "sklearn"}, "plots/a.png (flavour sklearn) did not"),
    ],
    ids=str,
)
def test_what_is_required_may_be_told_closely(wanted: Any, missing: str) -> None:
    evidence = replace(
        GOOD,
        models=[replace(MODEL, flavors=frozenset({"sklearn", "python_function"}))],
        files={"plots/a.png": 100, "plots/b.png": 200},
    )
    finding = first_finding(expectation(wanted), evidence)
    said = finding.message if finding else ""
    assert said.startswith(missing) if missing else not said


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("model", r"require is 'model': write a list of names, \['model'\]"),
        ([""], "require has '': write a name"),
        ([{"flavor": "sklearn"}], "write a name, or a dict with name"),
        ([{"name": "model", "flavour": "sklearn"}], "require has flavour for 'model': it may have"),
        ([{"name": "a", "min_count": "3"}], "require has min_count '3' for 'a': write a whole"),
        ([{"name": "a", "min_count": 0}], "min_count 0 for 'a': write a .* at least 1"),
        (
            [{"name": "a", "min_bytes": -1}],
            "min_bytes -1 for 'a': write a .* at least 0",
        ),
    ],
    ids=str,
)
def test_what_no_run_could_fulfil_is_refused(asked: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        requirements(asked)


def test_only_folders_that_may_hold_it_are_looked_into() -> None:
    (wanted,) = requirements(["checkpoints/epoch-*/weights.pt"])
    assert wanted.folder() == "checkpoints"
    assert wanted.leads_to("checkpoints/epoch-1")
    assert not wanted.leads_to("checkpoints/best")
    assert requirements(["plots"])[0].folder() == ""

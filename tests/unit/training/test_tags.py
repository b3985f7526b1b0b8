"""Which tags come out of which environment."""

import json

from mooring import contract
from mooring.training.tags import is_bound, run_tags, tags_of

BOUND = {
    contract.WORKSPACE: "team-a/models",
    contract.BINDING: "guest",
    contract.NAMESPACE: "team-b",
}


def test_a_binding_is_named_with_the_namespace_of_its_pods() -> None:
    assert run_tags(BOUND, "train-0") == {
        contract.TAG_WORKSPACE: "team-a/models",
        contract.TAG_BINDING: "team-b/guest",
        contract.TAG_POD: "train-0",
    }


def test_what_is_not_there_is_not_said() -> None:
    assert run_tags({contract.WORKSPACE: "team-a/models", contract.BINDING: "guest"}, "") == {
        contract.TAG_WORKSPACE: "team-a/models"
    }
    assert not is_bound({})
    assert not is_bound({contract.WORKSPACE: "team-a/models", contract.BINDING: ""})


def test_a_task_instance_is_never_put_together_from_two() -> None:
    told = {"AIRFLOW_CTX_DAG_ID": "worker", "AIRFLOW_CTX_TASK_ID": "worker"}
    context = {contract.RUN_CONTEXT: json.dumps({contract.TAG_DAG_ID: "pod"})}
    assert contract.TAG_TASK_ID not in run_tags({**BOUND, **told, **context}, "")
    assert run_tags({**BOUND, **told}, "")[contract.TAG_TASK_ID] == "worker"


def test_what_is_no_json_object_counts_as_nothing() -> None:
    for value in ("", "{", "[1]", "null"):
        assert tags_of(value) == {}

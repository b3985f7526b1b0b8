"""Which binding a pod gets that names none itself: the nearest to the pod wins."""

import pytest

from mooring import contract
from mooring_airflow.binding_choice import Settings, chosen, named_by_dag


def by_settings() -> Settings:
    return Settings(default_binding="common", namespace_bindings={"team-b": "shared"})


LABELLED = {contract.BINDING_LABEL: "own"}


def test_a_dag_names_its_binding_by_param_or_by_tag() -> None:
    assert named_by_dag({"mlflow_binding": "team-a"}, ["mlflow:team-b"]) == "team-a"
    assert named_by_dag({"mlflow_binding": None}, ["nightly", "mlflow:team-b"]) == "team-b"
    assert named_by_dag({}, ["nightly", "mlflow"]) == ""


def test_the_nearest_to_the_pod_wins() -> None:
    assert chosen(LABELLED, "team-b", "of-the-dag", by_settings) == "own"
    assert chosen({}, "team-b", "of-the-dag", by_settings) == "of-the-dag"
    assert chosen({}, "team-b", "", by_settings) == "shared"
    assert chosen({}, "team-c", "", by_settings) == "common"
    assert chosen({}, "team-c", "", Settings) == ""


def test_a_pod_that_opts_out_gets_none() -> None:
    assert chosen({**LABELLED, contract.SKIP_LABEL: "true"}, "team-a", "team-a", by_settings) == ""


def test_two_tags_fail_the_pod_and_a_label_settles_it() -> None:
    two = named_by_dag({}, ["mlflow:team-a", "mlflow:team-b"])
    with pytest.raises(ValueError, match=r"several bindings, team-a and team-b, .*keep one tag"):
        chosen({}, "team-a", two, by_settings)
    assert chosen(LABELLED, "team-a", two, by_settings) == "own"


def test_a_name_may_say_its_namespace_and_must_mean_the_pods() -> None:
    assert chosen({}, "team-a", "team-a/models", by_settings) == "models"
    with pytest.raises(ValueError, match="a pod can only use a binding of its own namespace"):
        chosen({}, "default", "team-a/models", by_settings)

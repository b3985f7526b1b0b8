"""Registered models as assets: how they are named, and what Airflow makes of the names."""

import pytest
from airflow.sdk import Asset

from mooring_airflow.assets import registered_model


@pytest.mark.parametrize(
    ("binding", "uri"),
    [
        ("team-a", "mlflow://team-a/churn"),
        ("team-a/team-a", "mlflow://team-a/churn"),
        ("research/team-a", "mlflow://team-a.research/churn"),
        ("mlflow_team-a", "mlflow://team-a/churn"),
    ],
)
def test_one_name_however_the_binding_is_written(binding: str, uri: str) -> None:
    assert registered_model(binding=binding, model="churn").uri == uri


def test_an_alias_is_an_asset_of_its_own() -> None:
    champion = registered_model(binding="team-a", model="churn", alias="champion")
    assert champion == Asset("mlflow://team-a/churn@champion"), "as a DAG may write it"


def test_names_with_signs_of_uris() -> None:
    assert (
        registered_model(binding="a", model="up?/down @1").uri == "mlflow://a/up%3F%2Fdown%20%401"
    )


@pytest.mark.parametrize(
    "uri", ["mlflow://team-a", "mlflow:///churn", "mlflow://team-a/churn/1", "mlflow://a/b?c=d"]
)
def test_what_nobody_emits_is_refused_when_the_dag_is_read(uri: str) -> None:
    with pytest.raises(ValueError, match="write mlflow://BINDING/MODEL"):
        Asset(uri)

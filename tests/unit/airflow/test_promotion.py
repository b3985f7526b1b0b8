"""Which version is better, and what operators refuse when a DAG is read."""

from typing import Any

import pytest

from mooring_airflow.promotion import Contest
from mooring_airflow.registry import MlflowPromoteModelOperator
from mooring_airflow.sensors import MlflowModelVersionSensor


@pytest.mark.parametrize(
    ("contest", "challenger", "holder", "won"),
    [
        (Contest("auc"), 0.9, 0.8, True),
        (Contest("auc"), 0.8, 0.8, False),
        (Contest("auc"), 0.7, 0.8, False),
        (Contest("auc", margin=0.125), 0.5, 0.375, False),
        (Contest("auc", margin=0.125), 0.75, 0.5, True),
        (Contest("loss", greater_is_better=False), 0.1, 0.2, True),
        (Contest("loss", greater_is_better=False), 0.2, 0.1, False),
        (Contest("loss", greater_is_better=False, margin=0.25), 0.5, 1.0, True),
    ],
)
def test_better(contest: Contest, challenger: float, holder: float, *, won: bool) -> None:
    assert contest.won(challenger, holder) is won


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"margin": -0.1}, "margin is -0.1: write 0 or more"),
        ({"when_not_better": "fail"}, "write 'skip' or 'succeed'"),
    ],
)
def test_what_a_promotion_refuses(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MlflowPromoteModelOperator(task_id="t", model_name="m", version="1", metric="auc", **wrong)


def test_a_sensor_waits_for_one_thing() -> None:
    with pytest.raises(ValueError, match="write the one to wait for"):
        MlflowModelVersionSensor(task_id="t", model_name="m", alias="champion", version="1")

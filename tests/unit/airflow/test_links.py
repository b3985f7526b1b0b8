"""Where the buttons of a task lead to: read from what the task has handed on."""

from typing import Any

import pytest
from airflow.sdk.execution_time.xcom import XCom

from mooring import contract
from mooring_airflow.links import OF_A_RUN

RUN = "https://team-a.example.com/#/experiments/7/runs/r1"


@pytest.mark.parametrize(
    ("handed_on", "pages"),
    [
        (None, ["", "", ""]),
        ({"ui_url": RUN, "model_id": None}, [RUN, RUN.removesuffix("/runs/r1"), ""]),
        (
            {"ui_url": RUN, "model_id": "m-1"},
            [RUN, RUN.removesuffix("/runs/r1"), RUN.replace("runs/r1", "models/m-1")],
        ),
    ],
)
def test_run_experiment_and_model(
    monkeypatch: pytest.MonkeyPatch, handed_on: Any, pages: list[str]
) -> None:
    asked: Any = object()

    def get_value(*, ti_key: Any, key: str) -> Any:
        assert (ti_key, key) == (asked, contract.XCOM_KEY)
        return handed_on

    monkeypatch.setattr(XCom, "get_value", get_value)
    assert [link.get_link(asked, ti_key=asked) for link in OF_A_RUN] == pages

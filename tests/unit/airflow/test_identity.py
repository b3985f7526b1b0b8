"""The tags of a task instance, and how they travel."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from airflow.sdk.execution_time.context import AIRFLOW_VAR_NAME_FORMAT_MAPPING

from mooring import contract
from mooring.training.tags import AIRFLOW_VARIABLES, tags_of
from mooring_airflow import identity
from mooring_airflow.tracking import filter_of

INSTANCE = SimpleNamespace(
    dag_id="d",
    run_id="manual__2026-11-21T00:00:00+00:00",
    task_id="train",
    map_index=2,
    try_number=3,
    log_url="http://airflow/log",
)


def context(**changes: Any) -> dict[str, Any]:
    instance = SimpleNamespace(**{**vars(INSTANCE), **changes})
    return {"ti": instance, "logical_date": datetime(2026, 11, 21, tzinfo=UTC)}


def test_tags_name_the_task_instance() -> None:
    tags = identity.context_tags(context())
    assert tags[contract.TAG_MAP_INDEX] == "2"
    assert tags[contract.TAG_TRY_NUMBER] == "3"
    assert tags[contract.TAG_LOGICAL_DATE] == "2026-11-21T00:00:00+00:00"
    assert identity.describe(tags) == (
        "task d.train, run manual__2026-11-21T00:00:00+00:00, map index 2, try 3"
    )


def test_an_unmapped_task_has_map_index_minus_one() -> None:
    for map_index in (None, -1):
        tags = identity.context_tags(context(map_index=map_index))
        assert tags[contract.TAG_MAP_INDEX] == "-1"
        assert "map index" not in identity.describe(tags)


def test_a_dag_run_may_have_no_logical_date() -> None:
    tags = identity.context_tags({**context(), "logical_date": None})
    assert tags[contract.TAG_LOGICAL_DATE] == ""


def test_the_authors_own_tags_stay_but_ours_win() -> None:
    others = json.dumps({"team": "a", contract.TAG_DAG_ID: "forged"})
    value = identity.run_context({contract.TAG_DAG_ID: "d"}, others)
    assert tags_of(value) == {"team": "a", contract.TAG_DAG_ID: "d"}


def test_airflow_sets_the_variables_that_the_runtime_reads() -> None:
    known = {entry["env_var_format"] for entry in AIRFLOW_VAR_NAME_FORMAT_MAPPING.values()}
    assert set(AIRFLOW_VARIABLES.values()) <= known


def test_the_filter_quotes_what_it_must() -> None:
    tags = {contract.TAG_DAG_ID: "d", contract.TAG_RUN_ID: "it's"}
    assert filter_of(tags) == "tags.`airflow.dag_id` = 'd' AND tags.`airflow.run_id` = \"it's\""

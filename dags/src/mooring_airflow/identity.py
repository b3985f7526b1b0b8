"""Which task instance a run belongs to: the tags that MLflow puts on it, and how to find it again.

MLflow reads MLFLOW_RUN_CONTEXT, a JSON object, and tags every run and logged model of the process
with it; the training image needs no package for that. One that has `mooring` adds nothing to what
stands there (`mooring.training.tags`).
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from mooring import contract
from mooring.training.tags import tags_of

TASK_INSTANCE_TAGS: Final = (
    contract.TAG_DAG_ID,
    contract.TAG_RUN_ID,
    contract.TAG_TASK_ID,
    contract.TAG_MAP_INDEX,
)
TRY_TAGS: Final = (*TASK_INSTANCE_TAGS, contract.TAG_TRY_NUMBER, contract.TAG_POD)

UNMAPPED: Final = "-1"
"""Airflow's map index of a task that is not mapped."""


def context_tags(context: Mapping[str, Any]) -> dict[str, str]:
    """The tags that name the task instance of an Airflow task context."""
    instance = context["ti"]
    logical_date = context.get("logical_date")
    map_index = instance.map_index if instance.map_index is not None else UNMAPPED
    return {
        contract.TAG_DAG_ID: instance.dag_id,
        contract.TAG_RUN_ID: instance.run_id,
        contract.TAG_TASK_ID: instance.task_id,
        contract.TAG_MAP_INDEX: str(map_index),
        contract.TAG_TRY_NUMBER: str(instance.try_number),
        # A DAG run triggered with "logical_date": null has none.
        contract.TAG_LOGICAL_DATE: logical_date.isoformat() if logical_date else "",
        contract.TAG_LOG_URL: instance.log_url,
        **_belonging(context),
    }


def _belonging(context: Mapping[str, Any]) -> dict[str, str]:
    """Whose the task is, as far as Airflow says it."""
    owner = getattr(context.get("task"), "owner", None)
    team = getattr(context.get("dag_run"), "team_name", None)
    said = {contract.TAG_OWNER: owner, contract.TAG_TEAM: team}
    return {tag: str(value) for tag, value in said.items() if value}


def run_context(tags: Mapping[str, str], others: str = "") -> str:
    """The value of MLFLOW_RUN_CONTEXT: `tags`, added to what the author's JSON `others` names."""
    return json.dumps({**tags_of(others), **tags}, sort_keys=True)


def describe(tags: Mapping[str, str]) -> str:
    """The task instance in words, for messages."""
    mapped = tags[contract.TAG_MAP_INDEX]
    words = [
        f"task {tags[contract.TAG_DAG_ID]}.{tags[contract.TAG_TASK_ID]}",
        f"run {tags[contract.TAG_RUN_ID]}",
        *([] if mapped == UNMAPPED else [f"map index {mapped}"]),
        f"try {tags[contract.TAG_TRY_NUMBER]}",
    ]
    return ", ".join(words)

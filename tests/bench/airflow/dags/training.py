"""The pod that all tasks of this bench start, as its settings beside this file say."""

import json
from pathlib import Path
from typing import Any, Final

SETTINGS: Final = "settings.json"


def settings() -> dict[str, Any]:
    """What the bench has written beside this file."""
    read: dict[str, Any] = json.loads(Path(__file__).with_name(SETTINGS).read_text())
    return read


def arguments(operator: str) -> dict[str, Any]:
    """Arguments of the operator called `operator`, the same for all that is no matter of MLflow."""
    return {
        "task_id": "train",
        # As MlflowPodOperator has it; the plain one would wait for 5 s.
        "startup_check_interval_seconds": 1,
        # The machine may have other work.
        "startup_timeout_seconds": 600,
        **settings()["pod"],
        **settings()[operator],
    }

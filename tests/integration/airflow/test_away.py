"""A tracking server that is away for a while, in the middle of a training and after it."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mooring import contract
from mooring_airflow.identity import run_context
from mooring_airflow.verify import VERIFY_PATIENCE_S, verify
from mooring_operator.plan.connection import CLIENT_DEFAULTS
from tests.integration.airflow.runs import expectation, task_tags
from tests.integration.airflow.world import Workspace
from tests.integration.training.pods import Image, training
from tests.services.between import Answer, Request, between

LONG_S = 120
"""A server that is migrated, or whose node is replaced."""

TRAIN = """
import mlflow
from mlflow.environment_variables import (
    MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR as factor, MLFLOW_HTTP_REQUEST_MAX_RETRIES as retries,
)
from urllib3.exceptions import MaxRetryError
from urllib3.util import Retry
waited, retry = 0, Retry(retries.get(), backoff_factor=factor.get())
try:
    while True:
        retry = retry.increment("POST", "/", error=OSError("nobody listens"))
        waited += retry.get_backoff_time()
except MaxRetryError:
    print("waits for", int(waited))
with mlflow.start_run():
    mlflow.log_metric("before", 1)
    mlflow.log_metric("meanwhile", 2)
    mlflow.log_metric("after", 3)
"""


def test_nothing_is_lost_and_the_task_is_verified(team: Workspace) -> None:
    refused: list[str] = []

    def away(request: Request, ask: Callable[[], Answer]) -> Answer:
        asked = "meanwhile" if b'"meanwhile"' in request.body else "verified"
        told = request.headers.get("User-Agent", "").startswith("python-httpx")
        if (asked == "meanwhile" or told) and refused.count(asked) < 2:
            refused.append(asked)
            return Answer(503, (), b"no server is ready")
        return ask()

    tags = task_tags("patient")
    image = Image(Path(sys.executable), os.pathsep.join(sys.path))
    with between(team.url, away) as uri:
        given = {contract.TRACKING_URI: uri, contract.RUN_CONTEXT: run_context(tags)}
        with training(image, {**team.environment, **CLIENT_DEFAULTS}, TRAIN, **given) as pod:
            assert pod.end() == 0, pod.said()
            (waited,) = (line for line in pod.said().splitlines() if line.startswith("waits for"))
        found = verify(expectation(replace(team, url=uri), tags))
    assert found.metrics == {"before": 1, "meanwhile": 2, "after": 3}
    assert refused == ["meanwhile"] * 2 + ["verified"] * 2
    assert int(waited.removeprefix("waits for ")) >= LONG_S
    assert VERIFY_PATIENCE_S >= LONG_S

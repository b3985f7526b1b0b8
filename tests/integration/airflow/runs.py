"""Runs, models and artifacts as a pod of a task instance leaves them behind, made step by step."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mooring import contract
from mooring_airflow.binding import Binding
from mooring_airflow.binding_name import BindingName
from mooring_airflow.checks import Expectation
from mooring_airflow.require import requirements
from tests.integration.airflow.world import BUCKET, Workspace


def task_tags(task: str, **changes: str) -> dict[str, str]:
    """The run tags of a task instance that no other test has."""
    return {
        contract.TAG_DAG_ID: "d",
        contract.TAG_RUN_ID: f"manual__{uuid.uuid4()}",
        contract.TAG_TASK_ID: task,
        contract.TAG_MAP_INDEX: "-1",
        contract.TAG_TRY_NUMBER: "1",
        contract.TAG_POD: f"{task}-{uuid.uuid4().hex[:8]}",
        **{f"airflow.{key}": value for key, value in changes.items()},
    }


def expectation(team: Workspace, tags: dict[str, str], *require: Any) -> Expectation:
    """What the operator expects of the pod with `tags`."""
    name = BindingName("team-a", "team-a")
    binding = Binding(name, team.url, team.artifact_root, "team-a/team-a", {})
    return Expectation(binding, tags, requirements(require))


@dataclass(frozen=True, slots=True)
class Pod:
    """Makes what the training code of one pod makes, without importing MLflow."""

    team: Workspace
    tags: dict[str, str]
    experiment: str = field(default="0")

    def start_run(self, **tags: str) -> dict[str, Any]:
        """A run with the tags of the task instance, still RUNNING."""
        pairs = [{"key": k, "value": v} for k, v in {**self.tags, **tags}.items()]
        body = {
            "experiment_id": self.experiment,
            "start_time": int(time.time() * 1000),
            "tags": pairs,
        }
        return dict(self.team.api("runs/create", body)["run"]["info"])

    def end_run(self, run: dict[str, Any], status: str = "FINISHED") -> None:
        """End the run."""
        self.team.api("runs/update", {"run_id": run["run_id"], "status": status})

    def put(self, artifact_uri: str, path: str, content: bytes = b"content") -> None:
        """Put one artifact below `artifact_uri`."""
        key = f"{artifact_uri.removeprefix(f's3://{BUCKET}/')}/{path}"
        self.team.client().put_object(Bucket=BUCKET, Key=key, Body=content)

    def log_model(self, run: dict[str, Any], name: str, *, upload: bool = True) -> dict[str, Any]:
        """A logged model that says READY; without its files when not `upload`."""
        pairs = [{"key": k, "value": v} for k, v in self.tags.items()]
        body = {
            "experiment_id": self.experiment,
            "name": name,
            "source_run_id": run["run_id"],
            "tags": pairs,
        }
        info = dict(self.team.api("logged-models", body)["model"]["info"])
        if upload:
            self.put(info["artifact_uri"], "MLmodel")
        return info

    def finalize(self, model: dict[str, Any], status: str = "LOGGED_MODEL_READY") -> None:
        """Give the logged model its final status."""
        path = f"logged-models/{model['model_id']}"
        self.team.api(path, {"model_id": model["model_id"], "status": status}, method="PATCH")


def run_of(team: Workspace, run_id: str) -> dict[str, Any]:
    """A run as the server has it: {status, tags}."""
    found = team.api(f"runs/get?run_id={run_id}")["run"]
    tags = {tag["key"]: tag["value"] for tag in found["data"]["tags"]}
    return {"status": found["info"]["status"], "tags": tags}


def emitted(context: Mapping[str, Any]) -> dict[str, Any]:
    """What Airflow writes down as asset events when the task has ended well: extra by URI."""
    added = [e for events in context["outlet_events"].values() for e in events.asset_alias_events]
    return {event.dest_asset_key.uri: event.extra for event in added}

"""What really lies in the store and in MLflow, as a process outside the pods reads it."""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import boto3
import httpx

from mooring import contract
from tests.demo.cluster import forwarded, get
from tests.demo.system import PLAYGROUND

BUCKET: Final = "mlflow"
S3_PORT: Final = 7070
TRACKING_PORT: Final = 5000
ADMIN_SECRET: Final = "versitygw-admin"


@dataclass(frozen=True, slots=True)
class Artifact:
    """An object below a workspace's root, as read back: its key, its bytes and their SHA-256."""

    key: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Run:
    """A run of MLflow and the task instance that made it."""

    run_id: str
    name: str
    status: str
    tags: dict[str, str]
    metrics: dict[str, float]
    models: tuple[str, ...]

    @property
    def task_instance(self) -> str:
        """Task, map index and try, as the run's tags say."""
        index = self.tags.get(contract.TAG_MAP_INDEX, "-1")
        mapped = "" if index == "-1" else f"[{index}]"
        number = self.tags.get(contract.TAG_TRY_NUMBER, "?")
        return f"{self.tags.get(contract.TAG_TASK_ID, '?')}{mapped} try {number}"


class Tracking:
    """A workspace's tracking server at `url`."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=f"{url}/api/2.0/mlflow", timeout=30)

    def runs(self, **tags: str) -> list[Run]:
        """The runs of all experiments that carry the tags, oldest first."""
        experiments = self._post("experiments/search", max_results=1000)["experiments"]
        filters = [f"tags.`{name}` = '{value}'" for name, value in tags.items()]
        answer = self._post(
            "runs/search",
            experiment_ids=[e["experiment_id"] for e in experiments],
            filter=" AND ".join(filters),
            order_by=["attributes.start_time ASC"],
            max_results=1000,
        )
        return [_run(entry) for entry in answer.get("runs", [])]

    def registered_model(self, name: str) -> dict[str, Any] | None:
        """A registered model; None where there is none."""
        answer = self._client.get("/registered-models/get", params={"name": name})
        if answer.status_code == 404:
            return None
        model: dict[str, Any] = answer.raise_for_status().json()["registered_model"]
        return model

    def _post(self, path: str, **body: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._client.post(f"/{path}", json=body).raise_for_status().json()
        return answer


def _run(entry: dict[str, Any]) -> Run:
    info, data = entry["info"], entry["data"]
    outputs = entry.get("outputs", {}).get("model_outputs", [])
    return Run(
        run_id=info["run_id"],
        name=info.get("run_name", ""),
        status=info["status"],
        tags={tag["key"]: tag["value"] for tag in data.get("tags", [])},
        metrics={metric["key"]: metric["value"] for metric in data.get("metrics", [])},
        models=tuple(output["model_id"] for output in outputs),
    )


@contextmanager
def tracking(team: str) -> Iterator[Tracking]:
    """The tracking server of a team's workspace, while the block runs."""
    with forwarded(f"{team}-mlflow", team, TRACKING_PORT) as url:
        yield Tracking(url)


@contextmanager
def s3() -> Iterator[Any]:
    """A client of the playground's store with the administrator's key, while the block runs."""
    data = get("secret", ADMIN_SECRET, PLAYGROUND)["data"]
    key = {name: base64.b64decode(value).decode() for name, value in data.items()}
    with forwarded("versitygw", PLAYGROUND, S3_PORT) as url:
        yield boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=key[contract.AWS_ACCESS_KEY_ID],
            aws_secret_access_key=key[contract.AWS_SECRET_ACCESS_KEY],
        )


def artifacts(client: Any, prefix: str) -> list[Artifact]:
    """Every object below `prefix`, read back to its last byte."""
    found = []
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix):
        for entry in page.get("Contents", []):
            body = client.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read()
            digest = hashlib.sha256(body).hexdigest()
            found.append(Artifact(entry["Key"], len(body), digest))
    return found

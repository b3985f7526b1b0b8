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
IAM_PORT: Final = 7071
TRACKING_PORT: Final = 5000
ANSWER_S: Final = 60.0
"""In which a tracking server answers, also on a machine with other work to do."""
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
    params: dict[str, str]
    metrics: dict[str, float]
    models: tuple[str, ...]
    artifact_uri: str

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Where its artifacts and those of its logged models lie in the bucket."""
        root = self.artifact_uri.removeprefix(f"s3://{BUCKET}/").partition(f"/{self.run_id}/")[0]
        return (f"{root}/{self.run_id}/", *(f"{root}/models/{model}/" for model in self.models))

    @property
    def task_instance(self) -> str:
        """Task, map index and try, as the run's tags say."""
        index = self.tags.get(contract.TAG_MAP_INDEX, "-1")
        mapped = "" if index == "-1" else f"[{index}]"
        number = self.tags.get(contract.TAG_TRY_NUMBER, "?")
        return f"{self.tags.get(contract.TAG_TASK_ID, '?')}{mapped} try {number}"


class Tracking:
    """A workspace's tracking server at `url`; `login` is a user and a password, if it asks."""

    def __init__(self, url: str, login: tuple[str, str] | None = None) -> None:
        api = f"{url}/api/2.0/mlflow"
        self._client = httpx.Client(base_url=api, timeout=ANSWER_S, auth=login)

    def runs(self, experiment: str = "", **tags: str) -> list[Run]:
        """The runs of one experiment, or of all, that carry the tags, oldest first."""
        found = self._post("experiments/search", max_results=1000)["experiments"]
        wanted = [e["experiment_id"] for e in found if experiment in ("", e["name"])]
        filters = [f"tags.`{name}` = '{value}'" for name, value in tags.items()]
        if not wanted:
            return []
        answer = self._post(
            "runs/search",
            experiment_ids=wanted,
            filter=" AND ".join(filters),
            order_by=["attributes.start_time ASC"],
            max_results=1000,
        )
        return [_run(entry) for entry in answer.get("runs", [])]

    def run(self, run_id: str) -> Run | None:
        """A run; None where there is none."""
        answer = self._client.get("/runs/get", params={"run_id": run_id})
        if answer.status_code == 404:
            return None
        return _run(answer.raise_for_status().json()["run"])

    def set_tag(self, run_id: str, key: str, value: str) -> None:
        """Set a tag of a run."""
        self._post("runs/set-tag", run_id=run_id, key=key, value=value)

    def delete_run(self, run_id: str) -> None:
        """Mark a run as deleted."""
        self._post("runs/delete", run_id=run_id)

    def registered_model(self, name: str) -> dict[str, Any] | None:
        """A registered model; None where there is none."""
        answer = self._client.get("/registered-models/get", params={"name": name})
        if answer.status_code == 404:
            return None
        model: dict[str, Any] = answer.raise_for_status().json()["registered_model"]
        return model

    def delete_alias(self, name: str, alias: str) -> None:
        """Take an alias of a registered model away."""
        body = {"name": name, "alias": alias}
        answer = self._client.request("DELETE", "/registered-models/alias", json=body)
        answer.raise_for_status()

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
        params={param["key"]: param["value"] for param in data.get("params", [])},
        metrics={metric["key"]: metric["value"] for metric in data.get("metrics", [])},
        models=tuple(output["model_id"] for output in outputs),
        artifact_uri=info["artifact_uri"],
    )


@contextmanager
def tracking(team: str, login: tuple[str, str] | None = None) -> Iterator[Tracking]:
    """The tracking server of a team's workspace, while the block runs."""
    with forwarded(f"{team}-mlflow", team, TRACKING_PORT) as url:
        yield Tracking(url, login)


@contextmanager
def s3() -> Iterator[Any]:
    """A client of the playground's store with the administrator's key, while the block runs."""
    with _administrator("s3", "versitygw", S3_PORT) as client:
        yield client


@contextmanager
def iam() -> Iterator[Any]:
    """A client of the store's IAM API with the administrator's key, while the block runs."""
    with _administrator("iam", "versitygw-iam", IAM_PORT) as client:
        yield client


@contextmanager
def _administrator(api: str, service: str, port: int) -> Iterator[Any]:
    data = get("secret", ADMIN_SECRET, PLAYGROUND)["data"]
    key = {name: base64.b64decode(value).decode() for name, value in data.items()}
    with forwarded(service, PLAYGROUND, port) as url:
        yield boto3.client(
            api,
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

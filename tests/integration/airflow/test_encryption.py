"""Uploads to a bucket whose policy refuses what is not encrypted.

versitygw encrypts nothing and knows no such policy. What is real here is every request: MLflow's
client, the tracking server and the guard; the policy alone is played, and no object is encrypted.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from mooring import contract
from mooring_operator.api.artifactstore import ArtifactStore
from mooring_operator.plan.artifactstore import store_client
from mooring_operator.plan.metadata import Owner
from tests.integration.airflow.world import BUCKET, Workspace
from tests.services.between import Answer, Request, between

KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
DENIED = b"<Error><Code>AccessDenied</Code><Message>explicit deny</Message></Error>"
HEADERS = {
    "AES256": {"x-amz-server-side-encryption": "AES256"},
    "KMS": {
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": KEY,
    },
}
TRAIN = """
import mlflow, pathlib
pathlib.Path("weights").write_bytes(bytes(20 * 2**20))
with mlflow.start_run() as run:
    mlflow.log_text("small", "small.txt")
    mlflow.log_artifact("weights")
path = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="weights")
assert pathlib.Path(path).stat().st_size == 20 * 2**20
"""
"""A file in one request, and one in parts."""


def begins_upload(request: Request) -> bool:
    """Whether a request begins an object, which is when S3 is told how to encrypt it."""
    _, _, query = request.path.partition("?")
    whole = request.method == "PUT" and "partNumber=" not in query
    return whole or (request.method == "POST" and query.startswith("uploads"))


@contextmanager
def demanding(service: str, headers: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    """A fake policy before a real store: the URL, and what began an upload, was it denied or not.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#require-sse-kms
    """
    seen: list[str] = []

    def handle(request: Request, ask: Callable[[], Answer]) -> Answer:
        if begins_upload(request):
            found = {k.lower(): v for k, v in request.headers.items()}
            allowed = headers.items() <= found.items()
            seen.append("allowed" if allowed else "denied")
            if not allowed:
                return Answer(403, (), DENIED)
        return ask()

    with between(service, handle) as url:
        yield url, seen


def environment(kind: str) -> dict[str, str]:
    """What the operator publishes for a class with this encryption."""
    encryption = {"type": kind} | ({"kmsKeyId": KEY} if kind == "KMS" else {})
    admin = {"name": "admin", "namespace": "platform"}
    store = {"s3": {"bucket": BUCKET, "adminSecret": admin, "encryption": encryption}}
    owner = Owner("MlflowWorkspace", "team-a", "team-a", "1")
    found = store_client(ArtifactStore.model_validate(store), owner, {}).environment
    return {contract.S3_UPLOAD_ARGUMENTS: found[contract.S3_UPLOAD_ARGUMENTS]}


@pytest.mark.parametrize("kind", ["AES256", "KMS"])
def test_every_upload_asks_for_the_encryption_of_the_class(team: Workspace, kind: str) -> None:
    with demanding(team.store.s3, HEADERS[kind]) as (url, seen):
        way = {contract.S3_ENDPOINT_URL: url}
        assert "AccessDenied" in team.pod(TRAIN, env=way).stderr
        assert "StoreDenied" in team.mooring("guard", env=way).stderr
        assert set(seen) == {"denied"}
        seen.clear()

        asked = way | environment(kind)
        guarded = team.mooring("guard", env=asked)
        assert guarded.returncode == 0, guarded.stderr
        trained = team.pod(TRAIN, env=asked)
        assert trained.returncode == 0, trained.stderr
        assert set(seen) == {"allowed"}
        assert len(seen) >= 3, "the guard's object, the small one, the one in parts"


def test_a_pod_that_spoils_the_variable_is_told_before_it_trains(team: Workspace) -> None:
    spoilt = team.mooring("guard", env={contract.S3_UPLOAD_ARGUMENTS: "AES256"})
    assert spoilt.returncode != 0
    assert "UploadArgumentsInvalid" in spoilt.stderr
    assert contract.S3_UPLOAD_ARGUMENTS in spoilt.stderr

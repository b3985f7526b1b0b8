"""Google Cloud Storage: one key for a class, which the operator reads before MLflow does.

What IAM at Google lets a service account do is not tested here: the fake has no IAM.
"""

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from google.auth.exceptions import InvalidOperation, RefreshError
from google.cloud import storage

from mooring import contract
from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.gcs import GcsBucketStore
from mooring_operator.stores.protocol import GcsConnection, StoreGrant
from tests.integration.stores.web import web_server
from tests.services.fakegcs import FakeGcs
from tests.services.process import closed_port

KEY = "artifactStore.gcs.keySecret"
ENDPOINT = "artifactStore.gcs.endpoint"
BUCKET = "artifactStore.gcs.bucket"
SECONDS = 5.0

GRANT = StoreGrant("mooring-team-a_models", "team-a/models")


@pytest.fixture
def pod(gcs: GcsConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment that a pod has, with the mounted file that is returned."""
    mounted = tmp_path / contract.GOOGLE_KEY_FILE
    monkeypatch.setenv(contract.GOOGLE_CREDENTIALS, str(mounted))
    monkeypatch.setenv(contract.GOOGLE_ENDPOINT, str(gcs.endpoint))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    return mounted


def upload(gcs: GcsConnection, tmp_path: Path) -> None:
    """Log a file as MLflow does in a pod."""
    # not for every process that collects this file: it takes two seconds
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    (tmp_path / "x.txt").write_text("kept")
    root = f"gs://{gcs.bucket}/{GRANT.prefix}"
    get_artifact_repository(root).log_artifact(str(tmp_path / "x.txt"))


@pytest.mark.parametrize("harm", ["no file", "no JSON", "no type"])
def test_mlflow_goes_on_without_a_credential_and_the_operator_does_not(
    gcs: GcsConnection, pod: Path, tmp_path: Path, harm: str
) -> None:
    text = {"no file": "", "no JSON": "{", "no type": "{}"}[harm]
    if text:
        pod.write_text(text)
    with pytest.raises(InvalidOperation, match="Anonymous credentials cannot be refreshed"):
        upload(gcs, tmp_path)

    error = told(dataclasses.replace(gcs, key_file=text))
    assert error.reason is Reason.WRONG_CREDENTIALS
    assert KEY in error.message


def test_what_is_handed_out_is_what_mlflow_needs(
    gcs: GcsConnection, pod: Path, tmp_path: Path, fakegcs_service: FakeGcs
) -> None:
    access = GcsBucketStore(gcs).ensure(GRANT)
    assert access.env == {}
    pod.write_text(access.files[contract.GOOGLE_KEY_FILE])

    upload(gcs, tmp_path)

    kept = storage.Client().bucket(gcs.bucket).blob(f"{GRANT.prefix}/x.txt")
    assert kept.download_as_bytes() == b"kept"


def test_a_second_ensure_answers_the_same_and_writes_nothing(gcs: GcsConnection, pod: Path) -> None:
    store = GcsBucketStore(gcs)
    first = store.ensure(GRANT)
    assert store.ensure(GRANT) == first
    store.check()
    pod.write_text(gcs.key_file)
    assert list(storage.Client().list_blobs(gcs.bucket)) == []


def test_a_key_that_was_deleted(
    gcs: GcsConnection, pod: Path, tmp_path: Path, fakegcs_service: FakeGcs
) -> None:
    fakegcs_service.delete_key(json.loads(gcs.key_file))
    pod.write_text(gcs.key_file)
    with pytest.raises(RefreshError, match="invalid_grant"):
        upload(gcs, tmp_path)

    error = told(gcs)

    assert error.reason is Reason.WRONG_CREDENTIALS
    assert not error.transient
    assert json.loads(gcs.key_file)["client_email"] in error.message
    assert KEY in error.message


def told(
    connection: GcsConnection, ask: Callable[[GcsBucketStore], object] = lambda store: store.check()
) -> StoreError:
    started = time.monotonic()
    with pytest.raises(StoreError) as raised:
        ask(GcsBucketStore(connection))
    for line in connection.key_file.split("\\n")[1:-1]:
        assert line not in f"{raised.value} {raised.value!r}"
    assert time.monotonic() - started < SECONDS
    return raised.value


def with_key(gcs: GcsConnection, **changes: object) -> GcsConnection:
    key = {**json.loads(gcs.key_file), **changes}
    text = json.dumps({name: value for name, value in key.items() if value is not None})
    return dataclasses.replace(gcs, key_file=text)


def test_a_good_connection_is_proven(gcs: GcsConnection) -> None:
    GcsBucketStore(gcs).check()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"type": "authorized_user"}, "authorized_user"),
        ({"client_email": None}, "lacks client_email"),
        ({"private_key": None, "token_uri": None}, "lacks private_key, token_uri"),
        ({"private_key": 3}, "lacks private_key"),
        ({"private_key": "-----BEGIN PRIVATE KEY-----\nAAAA\n"}, "no PEM key"),
    ],
)
def test_a_key_file_that_is_none(gcs: GcsConnection, changes: dict[str, object], said: str) -> None:
    error = told(with_key(gcs, **changes))
    assert error.reason is Reason.WRONG_CREDENTIALS
    assert said in error.message
    assert KEY in error.message


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '"text"', "null"])
def test_a_key_file_that_is_no_object(gcs: GcsConnection, text: str) -> None:
    error = told(dataclasses.replace(gcs, key_file=text))
    assert error.reason is Reason.WRONG_CREDENTIALS
    assert KEY in error.message


def test_a_bucket_that_is_not_there(gcs: GcsConnection) -> None:
    error = told(dataclasses.replace(gcs, bucket="nobodys-bucket"))
    assert error.reason is Reason.MISSING_BUCKET
    assert "nobodys-bucket" in error.message
    assert BUCKET in error.message


def test_an_endpoint_that_does_not_answer(gcs: GcsConnection) -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    error = told(dataclasses.replace(gcs, endpoint=url))
    assert error.reason is Reason.UNREACHABLE
    assert error.transient
    assert url in error.message
    assert ENDPOINT in error.message


def test_an_endpoint_without_a_host(gcs: GcsConnection) -> None:
    error = told(dataclasses.replace(gcs, endpoint="http://nobody.invalid:4443"))
    assert error.reason is Reason.UNKNOWN_HOST
    assert ENDPOINT in error.message


def test_tls_where_there_is_none(gcs: GcsConnection) -> None:
    url = str(gcs.endpoint).replace("http:", "https:")
    assert told(dataclasses.replace(gcs, endpoint=url)).reason is Reason.TLS_REFUSED


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("http://127.0.0.1:9/token", Reason.UNREACHABLE),
        ("http://nobody.invalid/token", Reason.UNKNOWN_HOST),
    ],
)
def test_a_token_service_that_does_not_answer(gcs: GcsConnection, uri: str, reason: Reason) -> None:
    error = told(with_key(gcs, token_uri=uri))
    assert error.reason is reason
    assert uri in error.message
    assert "token_uri" in error.message


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (200, Reason.UNEXPECTED_ANSWER),
        (302, Reason.UNEXPECTED_ANSWER),
        (404, Reason.UNEXPECTED_ANSWER),
        (403, Reason.ACCESS_DENIED),
        (503, Reason.BUSY),
    ],
)
def test_a_web_page_where_the_store_should_be(
    gcs: GcsConnection, status: int, reason: Reason
) -> None:
    with web_server(status) as url:
        error = told(dataclasses.replace(gcs, endpoint=url))
    assert error.reason is reason
    assert url in error.message


def test_a_web_page_where_the_token_service_should_be(gcs: GcsConnection) -> None:
    with web_server(200) as url:
        error = told(with_key(gcs, token_uri=f"{url}/token"))
    assert url in error.message

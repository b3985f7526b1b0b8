"""The round trip through the object store, with the pod's own credentials.

Only the signer is botocore's: a whole boto3 client takes a quarter of a second more to make, in
every pod. Credentials are looked up in botocore's order: keys in the environment, then the token.
"""

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest

from mooring import contract
from mooring.finding import Finding
from mooring.guard import proxied
from mooring.guard.bucket import Bucket
from mooring.guard.credentials import current_credentials
from mooring.guard.explain import Refusal, no_answer, refusal
from mooring.guard.http import Failure, Http

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

GUARD_FOLDER: Final = ".mooring"
"""Below the artifact root; MLflow writes only to folders named by an experiment's id."""

_PROXIED_SCHEME: Final = urlsplit(contract.PROXIED_ROOT).scheme


def round_trip(environ: Mapping[str, str], http: Http) -> Finding | None:
    """Put one object below the artifact root, read it back, delete it."""
    root = urlsplit(environ[contract.ARTIFACT_ROOT])
    if root.scheme == _PROXIED_SCHEME:
        return proxied.round_trip(environ, http, GUARD_FOLDER)
    if root.scheme != "s3":
        return Finding(
            "UnknownStore",
            f"{contract.ARTIFACT_ROOT} is {root.geturl()!r}, and this "
            "guard can only try s3:// stores and the tracking server: use the guard of the same "
            "release as the operator.",
        )
    key = "/".join(filter(None, (root.path.strip("/"), GUARD_FOLDER, f"guard-{uuid.uuid4().hex}")))
    content = uuid.uuid4().bytes
    try:
        bucket = Bucket(
            endpoint=environ.get(contract.S3_ENDPOINT_URL, ""),
            name=root.netloc,
            region=environ.get(contract.AWS_REGION, "us-east-1"),
            ca_file=environ.get(contract.AWS_CA_BUNDLE, ""),
            credentials=current_credentials(environ, http),
        )
        _call(http, bucket, "PUT", key, content)
        found = _call(http, bucket, "GET", key)
        _call(http, bucket, "DELETE", key)
    except Refusal as refused:
        return refused.finding
    if found != content:
        return Finding(
            "StoreCorrupts",
            f"the store at {bucket.url(key)} gave back {len(found)} "
            f"bytes that are not the {len(content)} written to it: do not use it before "
            "its owner has explained that.",
        )
    return None


def _call(http: Http, bucket: Bucket, method: str, key: str, content: bytes = b"") -> bytes:
    """Make one signed request and return the body of the answer; Refusal when it is refused."""
    url = bucket.url(key)
    request = AWSRequest(method=method, url=url, data=content)
    # The signer reads three attributes; botocore.credentials would take 40 ms to import.
    signer = S3SigV4Auth(cast("ReadOnlyCredentials", bucket.credentials), "s3", bucket.region)
    signer.add_auth(request)
    answer = http.request(
        method, url, headers=dict(request.headers), body=content, ca_file=bucket.ca_file
    )
    if isinstance(answer, Failure):
        raise Refusal(no_answer(f"the store of bucket {bucket.name}", answer))
    if answer.status >= 300:
        raise Refusal(refusal(answer, bucket, method, key))
    return answer.body
